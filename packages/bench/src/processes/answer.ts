import { createBirpc } from 'birpc';

/** Makes this process answer as its role says, and end when the command that started it is gone. */
export function answerAs<Role extends object>(role: Role): void {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('this module runs as a child process only');
  process.once('disconnect', () => process.exit());
  createBirpc<object, Role>(role, {
    post: (message) => send(message),
    on: (listener) => process.on('message', listener),
  });
}
