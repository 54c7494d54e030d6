/** Text to Recording: every way the text can be wrong is an error that says where and what to do. */
import { parse } from 'lossless-json';
import { z } from 'zod';
import { SysieveError } from '../errors';
import { jsonSchemaError, jsonSyntaxError, locate, place } from '../errors/json';
import { inconsistencies } from './consistency';
import { RECORDING_VERSION, type Recording, RecordingSchema } from './schema';

function newerVersion(document: unknown): number | null {
  if (typeof document !== 'object' || document === null || !('version' in document)) return null;
  const { version } = document;
  return typeof version === 'number' && version > RECORDING_VERSION ? version : null;
}

/** `source` names the input in errors: a file, or "standard input". */
export function parseRecording(text: string, source: string): Recording {
  let document: unknown;
  try {
    document = parse(text, null, Number);
  } catch (thrown) {
    throw jsonSyntaxError('recording', source, text, thrown);
  }
  // Before the schema: a newer recording may well hold fields this one does not know.
  const newer = newerVersion(document);
  if (newer !== null) {
    throw new SysieveError(
      'input',
      'recording-version',
      `${place(source, text, locate(text, ['version']))}: recording of version ${newer}, ` +
        `newer than ${RECORDING_VERSION}, the newest this sysieve reads`,
      { remedy: 'Upgrade sysieve, or record again with this one.' },
    );
  }
  const result = RecordingSchema.safeParse(document);
  if (!result.success) throw jsonSchemaError('recording', source, text, result.error.issues);
  const wrong = inconsistencies(result.data);
  if (wrong.length > 0) throw jsonSchemaError('recording', source, text, wrong);
  return result.data;
}

export function recordingJsonSchema(): object {
  return { title: 'sysieve recording', ...z.toJSONSchema(RecordingSchema) };
}
