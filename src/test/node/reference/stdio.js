// The reference server over stdio, for clients of both eras: `node stdio.js`.
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { referenceServer } from './fixtures.js';

serveStdio(() => referenceServer());
