import type { FaultName } from './story.ts';

/** What is told while a story happens. */
export class Log {
  readonly lines: string[] = [];
  /** What no side should ever have said. */
  readonly faults: string[] = [];
  /** What befell it, each as often as it took effect. */
  readonly happened = new Map<FaultName, number>();

  tell(what: string): void {
    this.lines.push(`${Math.round(performance.now())} ${what}`);
  }

  fault(what: string): void {
    this.faults.push(what);
    this.tell(`FAULT ${what}`);
  }

  befell(name: FaultName, what: string): void {
    this.happened.set(name, (this.happened.get(name) ?? 0) + 1);
    this.tell(`${name}: ${what}`);
  }

  /** What clients said of themselves has expired, and the server has ended a session over it. */
  expired(client: number): void {
    this.tell(`what client ${client} said of itself has expired`);
  }

  /** A client's machine is asleep from now on: nobody is told before something has to wait for it. */
  sleeps(_client: number, _untilMs: number): void {}
}
