/** Text to Recording: every way the text can be wrong is an error that says where and what to do. */
import * as z from 'zod';
import { checkDocument, readDocument, upToDate } from '../json';
import { inconsistencies } from './consistency';
import { RECORDING_VERSIONS, type Recording, RecordingSchema } from './schema';

/** `source` names the input in errors: a file, or "standard input". */
export function parseRecording(text: string, source: string): Recording {
  const document = readDocument('recording', text, source);
  const current = upToDate(document, RECORDING_VERSIONS, ', or record again with this one');
  return checkDocument(RecordingSchema, current, { inconsistencies });
}

export function recordingJsonSchema(): object {
  return { title: 'sysieve recording', ...z.toJSONSchema(RecordingSchema) };
}
