// The licences that the Hugging Face hub knows by an identifier. Another one is `other:NAME`.
import { nearest, UserError } from '../base/errors.js';

const known: readonly string[] =
  'apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m openrail++ afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown'.split(
    ' ',
  );
const list = 'https://huggingface.co/docs/hub/repositories-licenses';

/** As the hub writes it. @throws UserError where there is none, or none of this name. */
export function checkedLicence(typed: string | undefined): string {
  if (typed === undefined) {
    throw new UserError({
      what: 'a licence is missing',
      why: 'whoever finds a model has to know what they may do with it, and what it was made from may have decided that',
      next: `Name it with --license, such as apache-2.0, mit or cc-by-nc-4.0 (${list}); one of your own is other:NAME`,
    });
  }
  const id = typed.trim().toLowerCase();
  if (known.includes(id) || /^other:[a-z0-9][a-z0-9._-]{0,99}$/.test(id)) return id;
  const plain = (name: string): string => name.replace(/[^a-z0-9]/g, '');
  const near = known.find((name) => plain(id) !== '' && plain(name).startsWith(plain(id))) ?? nearest(id, known);
  throw new UserError({
    what: `--license ${typed} is no licence that the hub knows`,
    next: `${near === undefined ? `They are listed at ${list}.` : `Did you mean ${near}?`} For one of your own write other:NAME`,
  });
}
