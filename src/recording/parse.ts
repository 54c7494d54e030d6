/** Text to Recording: every way the text can be wrong is an error that says where and what to do. */
import * as z from 'zod';
import { checkDocument, readDocument, refuseNewer } from '../json';
import { inconsistencies } from './consistency';
import { RECORDING_VERSION, type Recording, RecordingSchema } from './schema';

/** `source` names the input in errors: a file, or "standard input". */
export function parseRecording(text: string, source: string): Recording {
  const document = readDocument('recording', text, source);
  refuseNewer(document, RECORDING_VERSION, 'Upgrade sysieve, or record again with this one.');
  return checkDocument(RecordingSchema, document, { inconsistencies });
}

export function recordingJsonSchema(): object {
  return { title: 'sysieve recording', ...z.toJSONSchema(RecordingSchema) };
}
