import { clock } from '../../core/record/format';
import { pictureResult, recordTexts, violationName } from '../../core/record/messages';
import type { Evidence, ViolationItem } from '../../core/record/timeline';
import type { RecordPicture } from '../../core/wire-invigilator';
import { capturedAt, Picture } from './picture';
import { useRecordView } from './record-context';

const texts = recordTexts.picture;

/** Severities of which the server takes a picture of its own (docs/evidence.md). */
const PICTURED = ['high', 'critical'];

/** What the student's page has sent beside what the server has received. */
export function EvidencePair({ item }: { item: ViolationItem }) {
  const { violation, client, server, at } = item;
  const what = { what: violationName(violation.type), at: clock(at) };

  return (
    <div className="pair">
      <Side label={texts.client} evidence={client} alt={texts.clientAlt(what)} none={texts.noClient} />
      <Side
        label={texts.server}
        evidence={server}
        alt={texts.serverAlt(what)}
        none={PICTURED.includes(violation.severity) ? texts.noServer : texts.notAsked}
      />
    </div>
  );
}

interface SideProps {
  label: string;
  evidence: Evidence;
  alt: string;
  none: string;
}

function Side({ label, evidence, alt, none }: SideProps) {
  return (
    <figure className="side">
      <EvidencePicture evidence={evidence} alt={alt} none={none} />
      <figcaption>
        <strong>{label}</strong>
        {evidence.is === 'picture' && <Taken picture={evidence.picture} />}
      </figcaption>
    </figure>
  );
}

/** When it was taken; on paper also which of the evidence's pictures it is. */
export function Taken({ picture }: { picture: RecordPicture }) {
  const { paper } = useRecordView();

  return (
    <>
      <span className="soft"> {capturedAt(picture)}</span>
      {paper && <span className="hash">{recordTexts.report.capturedHash({ hash: picture.sha256 })}</span>}
    </>
  );
}

/** A picture, or the sentence that says why there is none. */
export function EvidencePicture({ evidence, alt, none }: Omit<SideProps, 'label'>) {
  switch (evidence.is) {
    case 'picture':
      return <Picture picture={evidence.picture} alt={alt} />;
    case 'failed':
      return (
        <div className="shot">
          <p className="no-shot">{pictureResult(evidence.result)}</p>
        </div>
      );
    case 'absent':
      return (
        <div className="shot">
          <p className="no-shot">{none}</p>
        </div>
      );
  }
}
