import { useEffect } from 'react';

import { RecordFrame } from '../../components/record/record-frame';
import { useConfig } from '../../components/record/use-config';
import { recordTexts } from '../../core/record/messages';
import type { Door } from '../../core/wall/door';
import type { WallStore } from '../../core/wall/store';
import { Report } from './report';
import { SessionsView } from './sessions-view';
import { StudentView } from './student-view';
import { useExam } from './use-exam';
import './review.css';
import { useRoute } from './use-route';

interface ReviewPageProps {
  store: WallStore;
  door: Door;
}

/** The exam as it was, or is: everybody, one student, or one student's report on paper. */
export function ReviewPage({ store, door }: ReviewPageProps) {
  const exam = useExam(store);
  const config = useConfig(door);
  const [{ student, report }, go] = useRoute();
  useEffect(() => {
    document.title = exam === null ? recordTexts.review.title : recordTexts.review.documentTitle({ exam: exam.title });
  }, [exam]);

  if (student === null) {
    return (
      <SessionsView
        store={store}
        exam={exam}
        onOpen={(id) => {
          go({ student: id, report: false });
        }}
      />
    );
  }

  // Keyed by what is shown: pictures of the report are all loaded at once, and dropped with it.
  return (
    <RecordFrame key={`${student} ${String(report)}`} source={door} paper={report}>
      {report ? (
        <Report
          id={student}
          store={store}
          door={door}
          config={config}
          onBack={() => {
            go({ student, report: false });
          }}
        />
      ) : (
        <StudentView
          id={student}
          store={store}
          door={door}
          config={config}
          onBack={() => {
            go({ student: null, report: false });
          }}
          onReport={() => {
            go({ student, report: true });
          }}
        />
      )}
    </RecordFrame>
  );
}
