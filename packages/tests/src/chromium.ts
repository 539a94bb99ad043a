import { join } from 'node:path';
import { chromium as playwright, type Browser } from 'playwright-core';
import type { Capability } from './capability.ts';
import { findExecutable, isExecutable } from './executable.ts';

/** By which it may be found in the `PATH`. */
export const CHROMIUM_NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
];

/** Where installers put it, for systems on which it is seldom in the `PATH`. */
const USUAL_PLACES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: [
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((variable) =>
    ['Chromium\\Application\\chrome.exe', 'Google\\Chrome\\Application\\chrome.exe'].map((path) =>
      join(process.env[variable] ?? '', path),
    ),
  ),
};

/** Quiet ones: a test talks to its own server and to nobody else. */
const ARGUMENTS = [
  '--no-sandbox', // The pages are our own, and the sandbox does not start as root.
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const executable = findChromium();

/** For `describeWith(chromium, …)`. */
export const chromium: Capability = {
  name: 'a Chromium',
  isThere: executable !== undefined,
  howToHave:
    'Install one (Debian: apt-get install chromium; any Chrome or Edge will do), or name its file in OPENLINE_CHROMIUM.',
};

/** A new headless browser, to be closed by who asked for it. */
export async function launchChromium(): Promise<Browser> {
  if (executable === undefined) throw new Error(`There is no Chromium. ${chromium.howToHave}`);
  return playwright.launch({ executablePath: executable, headless: true, args: ARGUMENTS });
}

/**
 * `OPENLINE_CHROMIUM` where it is set (empty: go without), else the first one in the `PATH` or in
 * the usual places.
 */
function findChromium(): string | undefined {
  const named = process.env['OPENLINE_CHROMIUM'];
  if (named === '') return undefined;
  if (named !== undefined) {
    if (isExecutable(named)) return named;
    throw new Error(`OPENLINE_CHROMIUM names no program: ${named}`);
  }
  return findExecutable(CHROMIUM_NAMES, USUAL_PLACES[process.platform]);
}
