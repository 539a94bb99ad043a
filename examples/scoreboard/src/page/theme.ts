import { createTheme } from '@mantine/core';

export const theme = createTheme({
  primaryColor: 'teal',
  primaryShade: { light: 8, dark: 7 },
  defaultRadius: 'md',
  headings: { fontFamily: "'Barlow Condensed', system-ui, sans-serif", fontWeight: '600' },
  // The grass at night.
  colors: {
    dark: [
      '#d3dbd8',
      '#b6c1bc',
      '#8d9b95',
      '#64726c',
      '#33403b',
      '#26312d',
      '#1a2320',
      '#0c1110',
      '#080c0b',
      '#050807',
    ],
  },
});
