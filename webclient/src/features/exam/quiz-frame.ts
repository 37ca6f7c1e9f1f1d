const SANDBOX = 'allow-scripts allow-forms allow-downloads allow-modals';

/**
 * How the quiz may be framed, or null where there is none. Only http(s) is shown:
 * a javascript: address would run as this page. A quiz of another origin keeps
 * that origin (its login needs it); one of ours must not, or it could reach out
 * of its sandbox to the student's token.
 */
export function quizFrame(contentURL: string, ownOrigin: string): { src: string; sandbox: string } | null {
  if (!URL.canParse(contentURL)) {
    return null;
  }
  const url = new URL(contentURL);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return null;
  }

  return {
    src: url.href,
    sandbox: url.origin === ownOrigin ? SANDBOX : `${SANDBOX} allow-same-origin`,
  };
}
