/** The page's few icons, 16 px line drawings; decoration only, words stand beside them. */
import type { ReactNode } from 'react';

function Icon({ children, heavy }: { readonly children: ReactNode; readonly heavy?: boolean }) {
  return (
    <svg className={heavy ? 'ico ico--heavy' : 'ico'} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const Mark = () => (
  <svg className="mark__sign" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
    <path
      d="M1.75 1.75h7v7h-7zM11.25 1.75h7v7h-7zM1.75 11.25h7v7h-7z"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
    />
    <path className="mark__written" d="M10.5 10.5h8.5v8.5h-8.5z" />
  </svg>
);

export const LockIcon = () => (
  <Icon>
    <rect x="3" y="7" width="10" height="7" rx="1.5" />
    <path d="M5 7V5a3 3 0 0 1 6 0v2" />
  </Icon>
);

export const SystemThemeIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 2.5v11a5.5 5.5 0 0 0 0-11z" fill="currentColor" />
  </Icon>
);

export const SunIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="3" />
    <path d="M8 1.5v1.2M8 13.3v1.2M1.5 8h1.2M13.3 8h1.2M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9" />
  </Icon>
);

export const MoonIcon = () => (
  <Icon>
    <path d="M13.2 9.8A5.6 5.6 0 0 1 6.2 2.8a5.6 5.6 0 1 0 7 7z" />
  </Icon>
);

export const UndoIcon = () => (
  <Icon>
    <path d="M5.5 3L2.5 6l3 3M2.5 6h6.75a3.75 3.75 0 0 1 0 7.5H6" />
  </Icon>
);

export const RedoIcon = () => (
  <Icon>
    <path d="M10.5 3l3 3-3 3M13.5 6H6.75a3.75 3.75 0 0 0 0 7.5H10" />
  </Icon>
);

export const HelpIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.75" />
    <path d="M6.3 6.5a1.75 1.75 0 1 1 2.6 1.55c-.6.35-.9.7-.9 1.3M8 11.3v.1" />
  </Icon>
);

export const TurnIcon = () => (
  <Icon>
    <path d="M6 4l4 4-4 4" />
  </Icon>
);

export const BannedIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M4.2 11.8l7.6-7.6" />
  </Icon>
);

export const WarningIcon = () => (
  <Icon>
    <path d="M8 2l6.5 11.5h-13z" />
    <path d="M8 6.5v3.2M8 11.6v.1" />
  </Icon>
);

export const InfoIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M8 7.4v3.4M8 5.2v.1" />
  </Icon>
);

export const CopyIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
    <path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" />
  </Icon>
);

export const PasteIcon = () => (
  <Icon>
    <rect x="3" y="3.5" width="10" height="10.5" rx="1.5" />
    <path d="M6 3.5a2 2 0 0 1 4 0V5H6z" />
  </Icon>
);

export const SaveIcon = () => (
  <Icon heavy>
    <path d="M8 2.5v7.5M4.8 7L8 10.2 11.2 7M2.5 13.5h11" />
  </Icon>
);

export const CheckIcon = () => (
  <Icon heavy>
    <path d="M3 8.5l3.2 3.2L13 4.8" />
  </Icon>
);

export const CrossIcon = () => (
  <Icon>
    <path d="M4 4l8 8M12 4l-8 8" />
  </Icon>
);

export const FileIcon = () => (
  <Icon>
    <path d="M4 2h5l3.5 3.5V14H4z" />
    <path d="M9 2v3.5h3.5" />
  </Icon>
);

export const PlusIcon = () => (
  <Icon>
    <path d="M3 8h10M8 3v10" />
  </Icon>
);

export const MinusIcon = () => (
  <Icon>
    <path d="M3 8h10" />
  </Icon>
);

export const RefusedIcon = () => (
  <Icon>
    <circle cx="8" cy="8" r="5.5" />
    <path d="M6 6l4 4M10 6l-4 4" />
  </Icon>
);
