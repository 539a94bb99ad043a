import type { Name, Parts } from './explore-side.ts';
import { World, type Bounds, type Step } from './explore-world.ts';

interface Exploration {
  /** Different states that were reached. */
  readonly states: number;
  /** The length of the longest story. */
  readonly depth: number;
  /** Nothing was left out: no story within the bounds is longer. */
  readonly isComplete: boolean;
  /** The shortest story that breaks a law, and the law. */
  readonly counterexample?: Counterexample;
}
interface Counterexample {
  readonly story: readonly string[];
  readonly fault: string;
}

/**
 * Plays every story within the bounds, the shorter ones first, and checks the laws in each state
 * that is reached, and again after everything was let come to rest from there.
 *
 * The fields of the machines are private, so that a state can be neither copied nor compared. It is
 * reached again by playing its story from the start; and it is told from others by what each side
 * went through, in its order, whatever came between on the other side. That is sound: a side is
 * deterministic and sees nothing but its own steps. What it reads in one of them is the next message
 * on a connection, and the messages on a connection are what the other side wrote there in the
 * course of its own steps. So two stories with the same steps of each side end in the same state.
 */
export function explore(bounds: Bounds, parts: Parts, depthMax: number): Exploration {
  const alphabet = new Alphabet();
  const seen = new Set<string>(['|']);
  let frontier = [''];
  for (let depth = 0; ; depth++) {
    const next: string[] = [];
    for (const story of frontier) {
      const steps = alphabet.read(story);
      const world = playAll(bounds, parts, steps);
      const nextSteps = depth < depthMax ? world.steps() : [];
      const fault = faultOf(world) ?? faultAtRest(world);
      if (fault !== undefined) {
        const counterexample = { story: steps.map(tell), fault };
        return { states: seen.size, depth, isComplete: false, counterexample };
      }
      for (const step of nextSteps) {
        const longer = story + alphabet.write(step);
        const state = alphabet.stateOf(longer);
        if (seen.has(state)) continue;
        seen.add(state);
        next.push(longer);
      }
    }
    if (depth === depthMax || next.length === 0) {
      return { states: seen.size, depth, isComplete: depth < depthMax };
    }
    frontier = next;
  }
}

/** Stories as text: one letter for each step. */
class Alphabet {
  readonly #steps: Step[] = [];
  readonly #letters = new Map<string, string>();

  write(step: Step): string {
    const name = tell(step);
    let letter = this.#letters.get(name);
    if (letter === undefined) {
      letter = String.fromCharCode(0x100 + this.#steps.length);
      this.#letters.set(name, letter);
      this.#steps.push(step);
    }
    return letter;
  }

  read(story: string): Step[] {
    return Array.from(story, (letter) => this.#steps[letter.charCodeAt(0) - 0x100]!);
  }

  /** What each side went through. */
  stateOf(story: string): string {
    let [client, server] = ['', ''];
    for (const letter of story) {
      if (this.#steps[letter.charCodeAt(0) - 0x100]!.side === 'client') client += letter;
      else server += letter;
    }
    return `${client}|${server}`;
  }
}

function tell({ side, does, on }: Step): string {
  return on === undefined ? `${side}: ${does}` : `${side}: ${does} on ${on}`;
}

function playAll(bounds: Bounds, parts: Parts, steps: readonly Step[]): World {
  const world = new World(bounds, parts);
  for (const step of steps) world.play(step);
  return world;
}

const NAMES: readonly Name[] = ['client', 'server'];

/** What must never be so. */
function faultOf(world: World): string | undefined {
  const { client, server, calls } = world;
  for (const name of NAMES) {
    const { isOver, books, current, session, told, unreadBytes } = world[name];
    const { fault = books.fault } = world[name];
    if (isOver) return `the ${name} ended the session: ${String(told.at(-1)?.['code'])}`;
    if (fault !== undefined) return `the ${name} ${fault}`;
    if (current === 0) continue;
    const { caller, callee } = session;
    if (caller.streams.heldBytes !== unreadBytes) {
      return `the ${name} holds ${caller.streams.heldBytes} bytes of ${unreadBytes} not consumed`;
    }
    const heldBytes = session.heldBytes - unreadBytes - callee.heldBytes;
    const { unacknowledgedBytes } = books;
    if (heldBytes !== unacknowledgedBytes) {
      return `the ${name} holds ${heldBytes} bytes of ${unacknowledgedBytes} not acknowledged`;
    }
  }
  if (client.session.received > server.books.written) return 'the client has more than was written';
  if (server.session.received > client.books.written) return 'the server has more than was written';
  let last = 0;
  for (const { event, id } of server.told) {
    if (event !== 'call') continue;
    if ((id as number) <= last) return `call ${String(id)} came twice or out of order`;
    last = id as number;
  }
  for (const { call, given, withdrawn } of calls) {
    const hasCome = server.told.some(({ event, id }) => event === 'call' && id === call.id);
    const isNumbered = call.number > 0 && call.number <= server.session.received;
    if (hasCome && withdrawn) return `call ${call.id} came, and was withdrawn`;
    if (hasCome && !isNumbered) return `call ${call.id} came, and may be called not executed`;
    const told = client.told.filter(({ id }) => id === call.id);
    for (const [index, event] of told.entries()) {
      if (event.event !== given[index]?.event || event['data'] !== given[index]['data']) {
        return `answer ${index + 1} to call ${call.id} is not what was given`;
      }
    }
  }
  return undefined;
}

const ROUNDS_MAX = 8;

/** What must be so once another connection was made and held, and everything was answered. */
function faultAtRest(world: World): string | undefined {
  const { client, server, calls } = world;
  world.connect();
  const isDone = (): boolean =>
    calls.every((told) => told.withdrawn || hasEnded(world, told.call.id));
  for (let round = 0; round < ROUNDS_MAX && !isDone(); round++) {
    consumeAll(world);
    world.tick();
    world.settle();
    if (server.isWaiting) return 'a stream stands still';
    if (world.hasCredit) {
      const { used, granted } = world.exhaust() ?? { used: 0, granted: 0 };
      if (used !== granted) return `${used} items were given of ${granted} that were granted`;
      consumeAll(world);
    }
    world.answerAll();
    consumeAll(world);
    world.tick();
  }
  world.settle();
  world.tick();
  world.settle();
  const fault = faultOf(world);
  if (fault !== undefined) return `at rest ${fault}`;
  for (const { call, given, withdrawn } of calls) {
    if (withdrawn || call.cancelled) continue;
    const told = client.told.filter(({ id }) => id === call.id);
    if (given.at(-1)?.event !== 'result') return `call ${call.id} did not come`;
    if (told.length !== given.length) return `answers to call ${call.id} did not come`;
  }
  const { caller, waitingCount } = client.session;
  if (caller.openCount + waitingCount > 0) return 'a call has not ended';
  const heldBytes = client.session.heldBytes + server.session.heldBytes;
  if (heldBytes > 0) return `${heldBytes} bytes are held of what has arrived`;
  return undefined;
}

/** Everything on its way arrives, and every item is consumed. */
function consumeAll(world: World): void {
  world.settle();
  world.client.consume();
  world.client.endTick();
  world.settle();
}

function hasEnded({ client }: World, id: number): boolean {
  for (const call of client.session.caller.calls) if (call.id === id) return false;
  return true;
}
