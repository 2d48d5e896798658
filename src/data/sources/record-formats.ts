// The formats of files that hold records, as a data-spec names them.

export const recordFormats = ['jsonl', 'json', 'csv', 'tsv', 'parquet', 'arrow'] as const;
