using System.Text.Json;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Data.Completions;

namespace DistillOnnx.Toolchain.Import;

/// <summary>
/// The paper's own files: <c>&lt;set&gt;_&lt;split&gt;.json</c> (JSON Lines) and, for the same rows in the same order,
/// <c>llm/&lt;split&gt;_CoT_&lt;k&gt;.json</c> (arrays of completions).
/// </summary>
internal sealed class PaperSource : IImportSource
{
    private readonly PaperSet _set;
    private readonly string _directory;
    private readonly bool _human;
    private readonly CompletionParser _parser;

    private PaperSource(PaperSet set, string directory, bool human)
    {
        _set = set;
        _directory = directory;
        _human = human;
        _parser = CompletionParser.For(set.Task);
        Splits = [.. SplitNames.All.Where(s => File.Exists(RowFile(s)))];
    }

    public TaskSpec Task => _set.Task;

    public IReadOnlyList<string> Splits { get; }

    public static PaperSource Open(PaperSet set, string directory, bool human)
    {
        if (!Directory.Exists(directory))
            throw new InputException(
                $"{directory}: no such directory; expected one that holds {set.Name}_train.json or {set.Name}_test.json");
        var source = new PaperSource(set, directory, human);
        if (source.Splits.Count == 0)
            throw new InputException(
                $"{directory}: expected {set.Name}_train.json, {set.Name}_valid.json or {set.Name}_test.json, found none");
        return source;
    }

    public IReadOnlyList<string> Files(string split) => [RowFile(split), .. CompletionFiles(split)];

    public IEnumerable<ImportedRow> Rows(string split)
    {
        var rowFile = RowFile(split);
        var files = CompletionFiles(split);
        using var completions = PaperCompletions.Read(files).GetEnumerator();
        var rows = 0L;
        foreach (var line in JsonLines.Read(rowFile))
        {
            var where = $"{rowFile}: row {line.Row}";
            var example = Parse(line, where, $"{_set.Name}-{FileName(split)}-{rows}");
            rows++;
            if (files.Count == 0)
            {
                yield return new ImportedRow(where, example, HasTeacher: false, CompletionFault.None);
                continue;
            }

            if (!completions.MoveNext())
                throw new InputException($"{files[^1]}: expected a completion for every row of {rowFile}, found none for row {line.Row}");
            var parsed = _parser.Parse(completions.Current);
            example = example with { TeacherLabel = parsed.Label, Rationale = _human ? example.Rationale : parsed.Rationale };
            yield return new ImportedRow(where, example, HasTeacher: true, parsed.Fault);
        }

        if (completions.MoveNext())
            throw new InputException($"{files[^1]}: expected {rows} completions for the rows of {rowFile}, found more");
    }

    private static string FileName(string split) => split == SplitNames.Validation ? "valid" : split;

    private Example Parse(JsonLine line, string where, string defaultId)
    {
        try
        {
            using var document = JsonDocument.Parse(line.Utf8, new JsonDocumentOptions { MaxDepth = 16 });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                throw new InputException($"{where}: expected a JSON object, found {document.RootElement.ValueKind}");
            return new PaperRow(_set, where, document.RootElement).Read(defaultId, _human);
        }
        catch (JsonException e)
        {
            throw new InputException($"{where}: expected a JSON object, found one with a fault: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InputException($"{where}: expected Unicode text, found an escape sequence that is none", e);
        }
    }

    private string RowFile(string split) => Path.Combine(_directory, $"{_set.Name}_{FileName(split)}.json");

    private List<string> CompletionFiles(string split)
    {
        var files = new List<string>();
        for (var k = 0; ; k++)
        {
            var path = Path.Combine(_directory, "llm", $"{FileName(split)}_CoT_{k}.json");
            if (!File.Exists(path)) return files;
            files.Add(path);
        }
    }
}
