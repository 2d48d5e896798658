// A parsed template: what parser.ts makes and the interpreter runs.

export type Expression =
  | { type: 'IntegerLiteral' | 'FloatLiteral'; value: number }
  | { type: 'StringLiteral'; value: string }
  /** `true`, `false`, `none`. */
  | { type: 'Constant'; value: boolean | null }
  | { type: 'ArrayLiteral' | 'TupleLiteral'; value: Expression[] }
  | { type: 'ObjectLiteral'; value: [key: Expression, value: Expression][] }
  | Identifier
  | { type: 'MemberExpression'; object: Expression; property: Expression | Slice; computed: boolean }
  | Call
  | { type: 'UnaryExpression'; operator: string; argument: Expression }
  | { type: 'BinaryExpression'; operator: string; left: Expression; right: Expression }
  /** `a < b < c`: each with the next. */
  | { type: 'Comparison'; first: Expression; rest: { operator: string; value: Expression }[] }
  | { type: 'FilterExpression'; operand: Expression; filter: Filter }
  | { type: 'TestExpression'; operand: Expression; negate: boolean; test: string; args: Argument[] }
  /** `lhs if test`, without an else. */
  | { type: 'SelectExpression'; lhs: Expression; test: Expression }
  | { type: 'Ternary'; condition: Expression; trueExpr: Expression; falseExpr: Expression };

export interface Identifier {
  type: 'Identifier';
  value: string;
}

export interface Slice {
  type: 'SliceExpression';
  start?: Expression;
  stop?: Expression;
  step?: Expression;
}

export interface Call {
  type: 'CallExpression';
  callee: Expression;
  args: Argument[];
}

export interface Filter {
  name: string;
  args: Argument[];
}

interface KeywordArgument {
  type: 'KeywordArgumentExpression';
  key: string;
  value: Expression;
}

export type Argument =
  | Expression
  | KeywordArgument
  | { type: 'SpreadExpression'; argument: Expression }
  | { type: 'KeywordSpreadExpression'; argument: Expression };

export interface Parameter {
  name: string;
  otherwise?: Expression;
}

/** What a macro's body may ask for beside its parameters. */
export type MacroExtra = 'varargs' | 'kwargs' | 'caller';

export type Statement =
  | { type: 'Text'; value: string }
  | { type: 'Print'; value: Expression }
  | { type: 'Break' | 'Continue' }
  | { type: 'If'; test: Expression; body: Statement[]; alternate: Statement[] }
  | {
      type: 'For';
      target: Expression;
      iterable: Expression;
      condition?: Expression;
      body: Statement[];
      otherwise: Statement[];
    }
  | { type: 'Set'; target: Expression; value: Expression }
  | { type: 'SetBlock'; target: Expression; filters: Filter[]; body: Statement[] }
  | { type: 'With'; targets: Expression[]; values: Expression[]; body: Statement[] }
  | Macro
  | { type: 'CallBlock'; call: Call; macro: Macro }
  | { type: 'FilterBlock'; filters: Filter[]; body: Statement[] }
  /** `{% generation %}`: what the assistant said. */
  | { type: 'Generation'; body: Statement[] };

export interface Macro {
  type: 'Macro';
  name: string;
  parameters: Parameter[];
  body: Statement[];
  extras: ReadonlySet<MacroExtra>;
}

/** Whether Jinja computes it when it compiles; a filter or a test of constants may be. */
export function isConstant(node: Expression): boolean {
  switch (node.type) {
    case 'UnaryExpression':
      return isConstant(node.argument);
    case 'BinaryExpression':
      return isConstant(node.left) && isConstant(node.right);
    case 'FilterExpression':
    case 'TestExpression':
      return isConstant(node.operand);
    default:
      return ['IntegerLiteral', 'FloatLiteral', 'StringLiteral', 'Constant'].includes(node.type);
  }
}

/** Of an attribute, for messages. */
export function nameOf(property: Expression | Slice): string {
  return property.type === 'Identifier' || property.type === 'StringLiteral' ? property.value : '';
}
