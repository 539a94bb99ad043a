import type { FaultStep } from './story.ts';

/** A fault in words. */
export function tellFault(fault: FaultStep): string {
  switch (fault.type) {
    case 'cut':
      return `the connection of line ${fault.line} is cut`;
    case 'cut-at-byte':
      return `the connection of line ${fault.line} breaks ${fault.bytes} bytes on, ${fault.direction}`;
    case 'half-open':
      return `the connection of line ${fault.line} goes dark, ${fault.direction}: it ${fault.how}`;
    case 'delay':
      return `line ${fault.line}, ${fault.direction}: ${fault.byMs} ms later, for ${fault.forMs} ms`;
    case 'slow-reader':
      return `line ${fault.line}, ${fault.direction}: nobody reads for ${fault.forMs} ms`;
    case 'overtake':
      return `line ${fault.line} sends ${fault.byMs} ms late, and is cut off after ${fault.afterMs} ms`;
    case 'outage':
      return `the network ${fault.how === 'silent' ? 'is silent' : fault.how} for ${fault.forMs} ms`;
    case 'duplicate-hello':
      return `the ${fault.which} hello of line ${fault.line} comes again, and stays ${fault.forMs} ms`;
    case 'sleep':
      return `the machine of line ${fault.line} sleeps for ${fault.forMs} ms`;
    case 'stop-server':
      return `the server in place ${fault.server} stops for ${fault.forMs} ms`;
    case 'kill-server': {
      const journal = fault.losesJournal ? ', the journal with it' : '';
      const how = fault.vanishes ? 'vanishes' : 'dies';
      return `the server in place ${fault.server} ${how}${journal}; back in ${fault.backAfterMs} ms`;
    }
    case 'drain-server':
      return `the server in place ${fault.server} drains: ${fault.timeoutMs} ms, spread ${fault.spreadMs} ms`;
    case 'clock-jump':
      return `the clock on the wall jumps by ${fault.byMs} ms`;
    case 'refresh':
      return `line ${fault.line} gives fresh params`;
    case 'reopen':
      return `line ${fault.line} is closed, and opened ${fault.afterMs} ms later`;
  }
}
