// How rows of preferences may be written: recognised by their fields, unless one is named (align.format).
export const preferenceFormats = ['trl', 'trl-unpaired', 'ranking', 'kto', 'moss-rlhf', 'hh-rlhf'] as const;
export type PreferenceFormat = (typeof preferenceFormats)[number];
