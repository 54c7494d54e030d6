/** Text to Config: every way the text can be wrong is an error that says where and what to do. */
import * as z from 'zod';
import { checkDocument, readDocument, upToDate } from '../json';
import { inconsistencies } from './consistency';
import { CONFIG_VERSIONS, type Config, ConfigSchema } from './schema';

/** `source` names the input in errors: a file, or "standard input". */
export function parseConfig(text: string, source: string): Config {
  const document = upToDate(readDocument('config', text, source), CONFIG_VERSIONS);
  return checkDocument(ConfigSchema, document, { inconsistencies });
}

/** In the draft that editors know best. */
export function configJsonSchema(): object {
  return {
    title: 'sysieve config',
    ...z.toJSONSchema(ConfigSchema, { io: 'input', target: 'draft-7' }),
  };
}
