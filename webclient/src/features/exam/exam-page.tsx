import { useEffect } from 'react';

import type { Session } from '../../core/controller';
import { texts } from '../../core/messages';
import { CameraCheck } from './camera-check';
import { Early } from './early';
import { ErrorScreen } from './error-screen';
import { ExamRoom } from './exam-room';
import { Finished } from './finished';
import { Notice } from './notice';
import { Shell } from './shell';
import { useSession } from './use-session';
import { Waiting } from './waiting';

export function ExamPage({ session }: { session: Session | null }) {
  return session === null ? (
    <Shell>
      <ErrorScreen code="NoLink" retryAt={null} />
    </Shell>
  ) : (
    <SessionPage session={session} />
  );
}

function SessionPage({ session }: { session: Session }) {
  const state = useSession(session);
  const { phase, exam } = state;
  useEffect(() => {
    document.title = exam?.title ?? texts.examFallback;
  }, [exam]);

  switch (phase.name) {
    case 'start':
      return (
        <Shell step="notice">
          <Waiting key="start" title={texts.loading.title} body={texts.loading.body} />
        </Shell>
      );
    case 'notice':
      return state.notice === null ? null : (
        <Shell state={state} step="notice">
          <Notice
            notice={state.notice}
            onStart={() => {
              session.dispatch({ type: 'started', resume: false });
            }}
          />
        </Shell>
      );
    case 'early':
      return (
        <Shell state={state} step="notice">
          <Early state={state} until={phase.until} />
        </Shell>
      );
    case 'joining':
      return (
        <Shell state={state} step="camera">
          <Waiting key="joining" title={texts.joining.title} body={texts.joining.body} />
        </Shell>
      );
    case 'preview':
      return (
        <Shell state={state} step="camera">
          <Waiting key="preview" title={texts.preview.title} body={texts.preview.body} />
        </Shell>
      );
    case 'ready':
      return (
        <Shell state={state} step="camera">
          <CameraCheck
            state={state}
            stream={session.stream}
            onCamera={(id) => {
              session.dispatch({ type: 'cameraChosen', id });
            }}
            onAgain={() => {
              session.dispatch({ type: 'pathWanted' });
            }}
            onEnter={() => {
              session.dispatch({ type: 'entered' });
            }}
          />
        </Shell>
      );
    case 'connecting':
    case 'live':
    case 'interrupted':
      return (
        <ExamRoom
          state={state}
          stream={session.stream}
          onDismiss={() => {
            session.dispatch({ type: 'warningDismissed' });
          }}
          onRead={(id) => {
            session.dispatch({ type: 'messageRead', id });
          }}
          onCamera={() => {
            session.dispatch({ type: 'cameraWanted' });
          }}
        />
      );
    case 'finished':
      return (
        <Shell state={state}>
          <Finished />
        </Shell>
      );
    case 'failed':
      return (
        <Shell state={state}>
          <ErrorScreen
            key={phase.code}
            code={phase.code}
            retryAt={phase.retryAt}
            onRetry={() => {
              session.dispatch({ type: 'retried' });
            }}
          />
        </Shell>
      );
  }
}
