/** Takes every rendered component down after its test; without vitest's globals Testing Library cannot do it itself. */
import { cleanup } from '@testing-library/react';
import { afterEach } from 'vitest';

afterEach(cleanup);
