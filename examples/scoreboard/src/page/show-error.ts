import { notifications } from '@mantine/notifications';
import { outcomeOf } from '@openline/client';

/** Says what went wrong with a call, and above all whether it was done. */
export function showError(error: Error): void {
  notifications.show({ color: 'red', ...wordsFor(error) });
}

function wordsFor(error: Error): { readonly title: string; readonly message: string } {
  switch (outcomeOf(error)) {
    case 'failed':
      return { title: 'Not possible', message: error.message };
    case 'not-executed':
      return { title: 'Not done', message: 'The server is away. Do it again when it is back.' };
    case 'unknown':
      return {
        title: 'Done or not?',
        message: 'The connection broke at that moment. Look at the score before you do it again.',
      };
  }
}
