// The chat templates of ours, by the names that settings give them.

/** `chatml`: a line for each tool; `chatml-schema`: its JSON schema; `moss`: MOSS's own format. */
export const templateNames = ['chatml', 'chatml-schema', 'moss'] as const;
export type TemplateName = (typeof templateNames)[number];
