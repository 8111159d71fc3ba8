/**
 * Takes every rendered component down after its test; without vitest's globals Testing Library cannot do it itself.
 * What a test waits for comes soon or never: a busy machine must not decide which.
 */
import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

configure({ asyncUtilTimeout: 20_000 });
afterEach(cleanup);
