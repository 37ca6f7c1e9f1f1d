import { useRef } from 'react';

import { clock } from '../../core/record/format';
import { recordTexts } from '../../core/record/messages';
import type { RecordPicture } from '../../core/wire-invigilator';
import { useRecordView } from './record-context';
import { useNear } from './use-near';
import { usePicture } from './use-picture';

const texts = recordTexts.picture;

interface PictureProps {
  picture: RecordPicture;
  /** What it shows, for those who do not see it. */
  alt: string;
}

/** A picture of the record: small, and large when it is pressed. */
export function Picture({ picture, alt }: PictureProps) {
  const { paper } = useRecordView();
  const frame = useRef<HTMLDivElement>(null);
  const near = useNear(frame, paper);

  return (
    <div className="shot" ref={frame}>
      {picture.expired === true ? (
        <p className="no-shot">{texts.expired}</p>
      ) : (
        <Loaded picture={picture} alt={alt} wanted={near} />
      )}
    </div>
  );
}

function Loaded({ picture, alt, wanted }: PictureProps & { wanted: boolean }) {
  const { pictures, enlarge, paper } = useRecordView();
  const state = usePicture(picture.sha256, wanted);
  switch (state.is) {
    case 'loading':
      return <p className="no-shot">{texts.loading}</p>;
    case 'gone':
      return <p className="no-shot">{texts.gone}</p>;
    case 'failed':
      return (
        <p className="no-shot">
          {texts.failed}{' '}
          <button
            type="button"
            onClick={() => {
              pictures.again(picture.sha256);
            }}
          >
            {texts.again}
          </button>
        </p>
      );
    case 'shown':
      if (paper) {
        return <img src={state.url} alt={alt} />;
      }

      return (
        <button
          type="button"
          className="shot-button"
          aria-label={texts.enlarge({ what: alt })}
          onClick={() => {
            enlarge({ picture, alt });
          }}
        >
          <img src={state.url} alt="" />
        </button>
      );
  }
}

/** When a picture was taken, and by whose clock. */
export function capturedAt({ source, capturedAt: at }: RecordPicture): string {
  return source === 'client' ? texts.byPage({ at: clock(at) }) : texts.captured({ at: clock(at) });
}
