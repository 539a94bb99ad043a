import type { Clock, Game, Goal, Side, Team } from './game.ts';

const SPAIN: Team = {
  name: 'Spain',
  code: 'ESP',
  colors: ['#c60b1e', '#ffc400'],
  players: [
    'Cata Coll',
    'Ona Batlle',
    'Irene Paredes',
    'Laia Codina',
    'Olga Carmona',
    'Teresa Abelleira',
    'Aitana Bonmatí',
    'Jennifer Hermoso',
    'Alba Redondo',
    'Mariona Caldentey',
    'Salma Paralluelo',
    'Alexia Putellas',
  ],
};

const ENGLAND: Team = {
  name: 'England',
  code: 'ENG',
  colors: ['#2c5fb3', '#ffffff'],
  players: [
    'Mary Earps',
    'Jess Carter',
    'Millie Bright',
    'Alex Greenwood',
    'Lucy Bronze',
    'Georgia Stanway',
    'Keira Walsh',
    'Rachel Daly',
    'Ella Toone',
    'Lauren Hemp',
    'Alessia Russo',
    'Chloe Kelly',
  ],
};

const ARGENTINA: Team = {
  name: 'Argentina',
  code: 'ARG',
  colors: ['#6cace4', '#ffffff'],
  players: [
    'Emiliano Martínez',
    'Nahuel Molina',
    'Cristian Romero',
    'Nicolás Otamendi',
    'Nicolás Tagliafico',
    'Rodrigo De Paul',
    'Enzo Fernández',
    'Alexis Mac Allister',
    'Ángel Di María',
    'Lionel Messi',
    'Julián Álvarez',
    'Lautaro Martínez',
  ],
};

const FRANCE: Team = {
  name: 'France',
  code: 'FRA',
  colors: ['#1f3d9c', '#ef4135'],
  players: [
    'Hugo Lloris',
    'Jules Koundé',
    'Raphaël Varane',
    'Dayot Upamecano',
    'Theo Hernandez',
    'Aurélien Tchouaméni',
    'Adrien Rabiot',
    'Antoine Griezmann',
    'Ousmane Dembélé',
    'Olivier Giroud',
    'Kylian Mbappé',
    'Randal Kolo Muani',
  ],
};

const MILAN: Team = {
  name: 'Milan',
  code: 'MIL',
  colors: ['#d4001a', '#17171a'],
  players: [
    'Dida',
    'Cafu',
    'Jaap Stam',
    'Alessandro Nesta',
    'Paolo Maldini',
    'Andrea Pirlo',
    'Gennaro Gattuso',
    'Clarence Seedorf',
    'Kaká',
    'Hernán Crespo',
    'Andriy Shevchenko',
    'Jon Dahl Tomasson',
  ],
};

const LIVERPOOL: Team = {
  name: 'Liverpool',
  code: 'LIV',
  colors: ['#00a398', '#c8102e'],
  players: [
    'Jerzy Dudek',
    'Steve Finnan',
    'Jamie Carragher',
    'Sami Hyypiä',
    'Djimi Traoré',
    'Xabi Alonso',
    'Steven Gerrard',
    'Luis García',
    'John Arne Riise',
    'Harry Kewell',
    'Milan Baroš',
    'Vladimír Šmicer',
  ],
};

const BRAZIL: Team = {
  name: 'Brazil',
  code: 'BRA',
  colors: ['#f7d117', '#0f9d45'],
  players: [
    'Júlio César',
    'Maicon',
    'David Luiz',
    'Dante',
    'Marcelo',
    'Luiz Gustavo',
    'Fernandinho',
    'Hulk',
    'Oscar',
    'Bernard',
    'Fred',
    'Willian',
  ],
};

const GERMANY: Team = {
  name: 'Germany',
  code: 'GER',
  colors: ['#d8102c', '#1b1b1e'],
  players: [
    'Manuel Neuer',
    'Philipp Lahm',
    'Jérôme Boateng',
    'Mats Hummels',
    'Benedikt Höwedes',
    'Sami Khedira',
    'Bastian Schweinsteiger',
    'Toni Kroos',
    'Thomas Müller',
    'Mesut Özil',
    'Miroslav Klose',
    'André Schürrle',
  ],
};

const NOT_STARTED: Clock = { period: 'before', playedMs: 0, runningSince: null };
const HALF_TIME: Clock = { period: 'half-time', playedMs: 0, runningSince: null };
const FINISHED: Clock = { period: 'finished', playedMs: 0, runningSince: null };

/** Games that were played once, to be played again: two from the start, one from half-time. */
export const FIXTURES: readonly Game[] = [
  {
    id: 'spain-england',
    title: 'World Cup final',
    place: 'Stadium Australia, Sydney',
    kickOff: new Date('2023-08-20T10:00:00Z'),
    home: SPAIN,
    away: ENGLAND,
    clock: NOT_STARTED,
    goals: [],
  },
  {
    id: 'argentina-france',
    title: 'World Cup final',
    place: 'Lusail Stadium, Lusail',
    kickOff: new Date('2022-12-18T15:00:00Z'),
    home: ARGENTINA,
    away: FRANCE,
    clock: NOT_STARTED,
    goals: [],
  },
  {
    id: 'milan-liverpool',
    title: 'Champions League final',
    place: 'Atatürk Olympic Stadium, Istanbul',
    kickOff: new Date('2005-05-25T18:45:00Z'),
    home: MILAN,
    away: LIVERPOOL,
    clock: HALF_TIME,
    goals: [
      goal('home', '1', 'Paolo Maldini'),
      goal('home', '39', 'Hernán Crespo'),
      goal('home', '44', 'Hernán Crespo'),
    ],
  },
  {
    id: 'brazil-germany',
    title: 'World Cup semi-final',
    place: 'Mineirão, Belo Horizonte',
    kickOff: new Date('2014-07-08T20:00:00Z'),
    home: BRAZIL,
    away: GERMANY,
    clock: FINISHED,
    goals: [
      goal('away', '11', 'Thomas Müller'),
      goal('away', '23', 'Miroslav Klose'),
      goal('away', '24', 'Toni Kroos'),
      goal('away', '26', 'Toni Kroos'),
      goal('away', '29', 'Sami Khedira'),
      goal('away', '69', 'André Schürrle'),
      goal('away', '79', 'André Schürrle'),
      goal('home', '90', 'Oscar'),
    ],
  },
];

function goal(side: Side, minute: string, player: string): Goal {
  return { id: `${side}-${minute}`, side, minute, player };
}
