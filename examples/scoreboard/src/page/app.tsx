import {
  ActionIcon,
  Alert,
  Anchor,
  Button,
  Container,
  Group,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useSubscription } from '@trpc/tanstack-react-query';
import { Eye, Megaphone, Moon, Sun } from 'lucide-react';
import { Link, Route, Switch, useRoute } from 'wouter';
import type { Summary } from '../game.ts';
import { ConnectionBadge } from './connection-badge.tsx';
import { GameStrip } from './game-strip.tsx';
import { LinePanel } from './line-panel.tsx';
import { trpc } from './line.ts';
import { RefereePage } from './referee-page.tsx';
import { SpectatorPage } from './spectator-page.tsx';

/** `/` and `/:game` for spectators, `/referee` and `/referee/:game` for the referee. */
export function App() {
  const [isReferee, refereeParams] = useRoute('/referee/:game?');
  const [, spectatorParams] = useRoute('/:game');
  const { data: games } = useSubscription(trpc.games.subscriptionOptions());
  const chosen = isReferee ? refereeParams.game : spectatorParams?.game;
  const named = chosen ?? games?.[0]?.id;
  const isUnknown = games?.every(({ id }) => id !== named) ?? false;
  const game = isUnknown ? undefined : named;
  const base = isReferee ? '/referee' : '';

  return (
    <Container size="md" py="md">
      <Stack gap="lg">
        <Header isReferee={isReferee} game={game} />
        <GameStrip games={games} chosen={game} base={base} />
        {isUnknown && <NoSuchGame first={games?.[0]} base={base} />}
        {game !== undefined && (
          <Switch>
            <Route path="/referee/:game?">
              <RefereePage key={game} game={game} />
            </Route>
            <Route>
              <SpectatorPage key={game} game={game} />
            </Route>
          </Switch>
        )}
        <LinePanel />
        <Text size="sm" c="dimmed" ta="center">
          A minute takes two seconds here. Open this page in a second window: both show the same
          game.{' '}
          <Anchor component={Link} href={isReferee ? `/${game ?? ''}` : `/referee/${game ?? ''}`}>
            {isReferee ? 'Back to the spectators' : 'Be the referee'}
          </Anchor>
        </Text>
      </Stack>
    </Container>
  );
}

interface NoSuchGameProps {
  readonly first: Summary | undefined;
  readonly base: string;
}

function NoSuchGame({ first, base }: NoSuchGameProps) {
  return (
    <Alert color="gray" radius="lg" title="There is no such game">
      {first !== undefined && (
        <Anchor component={Link} href={`${base}/${first.id}`} size="sm">
          Go to {first.home.name} – {first.away.name}
        </Anchor>
      )}
    </Alert>
  );
}

interface HeaderProps {
  readonly isReferee: boolean;
  readonly game: string | undefined;
}

function Header({ isReferee, game = '' }: HeaderProps) {
  return (
    <Group component="header" justify="space-between" wrap="nowrap">
      <Title order={1} size="h3" className="brand">
        {isReferee ? 'Referee' : 'Scoreboard'}
      </Title>
      <Group gap="xs" wrap="nowrap">
        <ConnectionBadge />
        <Button
          component={Link}
          href={isReferee ? `/${game}` : `/referee/${game}`}
          variant="default"
          size="xs"
          className="role-switch"
          leftSection={isReferee ? <Eye size={15} /> : <Megaphone size={15} />}
        >
          <span>{isReferee ? 'Watch' : 'Referee'}</span>
        </Button>
        <ColorSchemeSwitch />
      </Group>
    </Group>
  );
}

function ColorSchemeSwitch() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <ActionIcon
      variant="default"
      size={30}
      aria-label={`Show it ${other}`}
      onClick={() => setColorScheme(other)}
    >
      {other === 'dark' ? <Moon size={16} /> : <Sun size={16} />}
    </ActionIcon>
  );
}
