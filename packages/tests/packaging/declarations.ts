import ts from 'typescript';

/**
 * The `any`s in a package's declarations, as `file:line`: everywhere that its entry leads to within
 * the folder. An `any` that the compiler inferred stands in the declarations as one that was
 * written.
 *
 * @throws where the entry leads to no file of the folder: of nothing, nothing can be said.
 */
export function findAny(entry: string, folder: string): readonly string[] {
  const program = ts.createProgram([entry], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    types: [],
  });
  const files = program
    .getSourceFiles()
    .filter(({ fileName }) => fileName.startsWith(`${folder}/`));
  if (files.length === 0) throw new Error(`${entry} leads to no file in ${folder}.`);
  return files.flatMap((file) =>
    anyIn(file).map((line) => `${file.fileName.slice(folder.length + 1)}:${line}`),
  );
}

function anyIn(file: ts.SourceFile): readonly number[] {
  const lines: number[] = [];
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) {
      lines.push(file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return lines;
}
