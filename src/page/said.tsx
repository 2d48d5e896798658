// What a model says, block by block: text as it is, code and tables in boxes that scroll by themselves.
import { useMemo } from 'preact/hooks';
import { type Block, blocksOf, spansOf } from './markdown.js';
import { CopyButton } from './parts.js';
import type { Words } from './words.js';

export function Said({ text, words }: { text: string; words: Words }) {
  const blocks = useMemo(() => blocksOf(text), [text]);
  return (
    <div class="said blocks" dir="auto">
      {blocks.map((block, i) => (
        <BlockView key={i} {...{ block, words }} />
      ))}
    </div>
  );
}

function BlockView({ block, words }: { block: Block; words: Words }) {
  switch (block.type) {
    case 'text':
      return (
        <div>
          <Spans text={block.text} />
        </div>
      );
    case 'heading':
      return (
        <h3>
          <Spans text={block.text} />
        </h3>
      );
    case 'code':
      return (
        <figure>
          <figcaption>
            {block.language || words.chat.code}
            <CopyButton words={words} text={block.text} />
          </figcaption>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keys */}
          <pre tabIndex={0} dir="ltr">
            <code>{block.text}</code>
          </pre>
        </figure>
      );
    case 'table': {
      const [head, ...rows] = block.rows;
      return (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be in reach of the keys
        <section class="scroll" tabIndex={0} aria-label={words.chat.table}>
          <table>
            <thead>
              <tr>
                {head.map((cell, i) => (
                  <th scope="col" key={i}>
                    <Spans text={cell} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((cells, at) => (
                <tr key={at}>
                  {/* A row with more cells than the head keeps them all. */}
                  {Array.from({ length: Math.max(head.length, cells.length) }, (_, i) => (
                    <td key={i}>
                      <Spans text={cells[i] ?? ''} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      );
    }
    default:
      return block satisfies never;
  }
}

function Spans({ text }: { text: string }) {
  return (
    <>
      {spansOf(text).map((span, i) => {
        if (span.type === 'code') return <code key={i}>{span.text}</code>;
        return span.type === 'bold' ? <b key={i}>{span.text}</b> : span.text;
      })}
    </>
  );
}
