// The wall as one writes it in an afternoon, for comparison: everybody in one
// array in React's state, each message a new array, every tile in the document.
// It shows the same facts as ours, has no video, and is nobody's to use.

import { useEffect, useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';

import { BEARER_SUBPROTOCOL } from '../src/core/wire';
import { FEED_SUBPROTOCOL, type FeedMessage, type FeedSession } from '../src/core/wire-invigilator';

import { counts } from './counts';

import './naive.css';

function Tile({ session, violation }: { session: FeedSession; violation: string | undefined }) {
  counts.tiles += 1;

  return (
    <li className={`tile ${session.level}`} data-student={session.student}>
      <strong>{session.name}</strong> <span>{session.student}</span>
      <p>
        {session.score} {session.level}
      </p>
      <p>{session.state}</p>
      {violation === undefined ? null : <p>{violation}</p>}
    </li>
  );
}

function Wall() {
  counts.others += 1;
  const [sessions, setSessions] = useState<FeedSession[]>([]);
  const [violations, setViolations] = useState<Record<string, string>>({});
  const [level, setLevel] = useState('');

  useEffect(() => {
    const url = new URL('./api/v1/feed', location.href.replace(/^http/, 'ws'));
    const socket = new WebSocket(url, [FEED_SUBPROTOCOL, `${BEARER_SUBPROTOCOL}bench`]);
    socket.onmessage = ({ data }) => {
      const message = JSON.parse(data as string) as FeedMessage;
      if (message.type === 'snapshot') {
        setSessions(message.sessions ?? []);
      } else if (message.type === 'delta') {
        for (const changed of message.sessions ?? []) {
          setSessions((all) => all.map((session) => (session.student === changed.student ? changed : session)));
        }
      } else if (message.type === 'violation') {
        setViolations((all) => ({ ...all, [message.student ?? '']: message.violation?.type ?? '' }));
      }
    };

    return () => {
      socket.close();
    };
  }, []);

  const shown = useMemo(
    () =>
      sessions
        .filter((session) => level === '' || session.level === level)
        .sort((a, b) => b.score - a.score || a.name.localeCompare(b.name)),
    [sessions, level],
  );

  return (
    <main>
      <h1>{sessions.length} students</h1>
      <select
        value={level}
        onChange={({ target }) => {
          setLevel(target.value);
        }}
      >
        <option value="">all</option>
        <option value="critical">critical</option>
        <option value="suspicious">suspicious</option>
      </select>
      <ul className="grid">
        {shown.map((session) => (
          <Tile key={session.student} session={session} violation={violations[session.student]} />
        ))}
      </ul>
    </main>
  );
}

const root = document.getElementById('root');
if (root === null) {
  throw new Error('naive.html has no #root');
}
createRoot(root).render(<Wall />);
