/** The verdict of the engine's own check of the saved image. */
import type { SelfCheck } from '../../worker/engine-client.ts';
import { CheckIcon, InfoIcon, WarningIcon } from '../icons.tsx';

const WORDS = {
  sound: { verdict: 'No errors, no leaks', className: 'verdict', icon: CheckIcon },
  damaged: { verdict: 'The image is damaged', className: 'verdict verdict--bad', icon: WarningIcon },
  unread: { verdict: 'Not checked', className: 'verdict verdict--warn', icon: InfoIcon },
} as const;

const SOUND = {
  file: 'The saved file was opened again: every cluster in use is counted, every count is in use.',
  sent: 'Checked as it was sent; the browser keeps the saved file to itself.',
} as const;

export function CheckRow({ check }: { readonly check: SelfCheck }) {
  const { verdict, className, icon: Icon } = WORDS[check.verdict];
  return (
    <div>
      <dt>Self-check</dt>
      <dd>
        <span className={className}>
          <Icon />
          {verdict}
        </span>
        {check.verdict === 'sound' && <small>{SOUND[check.read]}</small>}
        {check.findings.map((finding) => (
          <small key={finding}>{finding}</small>
        ))}
        {check.verdict === 'damaged' && <small>Delete the file and save again: it would not be safe to use.</small>}
      </dd>
    </div>
  );
}
