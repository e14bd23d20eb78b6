using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher.Answers;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Prompts;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher.Rows;

/// <summary>
/// Whether answers are JSON by schema or free text. That is a part of every request's key and settled before the first request
/// is made: by the options, by the answers in the journal, by what the journal's directory records of the endpoint, or else by
/// asking the first row by schema.
/// </summary>
internal sealed class FormatChoice
{
    /// <summary>Note for previews and estimates that are made before the choice.</summary>
    public const string Open =
        "the first request shows whether the endpoint takes a schema; these prompts ask by schema (--structured false: free text)";

    private const int MostRowsTried = 3;
    private readonly AnnotateOptions _options;
    private readonly bool? _given;
    private readonly TaskSpec _task;
    private readonly PromptTemplate _template;
    private readonly RowSource _rows;
    private readonly string _requests;
    private readonly string _place;
    private readonly KnownFormats? _known;
    private readonly IReporter _reporter;

    public FormatChoice(
        AnnotateOptions options,
        TeacherSpec spec,
        IChatClient? custom,
        TaskSpec task,
        PromptTemplate template,
        RowSource rows,
        string? directory,
        IReporter reporter)
    {
        (_options, _task, _template, _rows, _reporter) = (options, task, template, rows, reporter);
        _requests = TeacherStack.Name(spec, options);
        _place = spec.Url is null ? $"{spec.Kind}:{spec.Model}" : $"{spec.Kind}:{spec.Model}@{spec.Url.AbsoluteUri}";
        _known = directory is null ? null : new KnownFormats(directory);

        // A form of the user's own is what the answers are to have; thoughts come freely only where no schema binds them.
        var free = custom is not null || spec.Kind is "rules" or "genai" || options.Style == PromptStyle.Completion
            || options.RationaleFrom == RationaleSource.Thoughts
            || (options.Prompt is not null && !PromptTemplate.IsBuiltIn(options.Prompt));
        _given = options.Structured ?? (free ? false : null);
    }

    /// <summary>The options with the choice made.</summary>
    /// <param name="structured">The choice.</param>
    public AnnotateOptions Options(bool structured) => _options with { Structured = structured };

    /// <summary>Asks rows in the form chosen.</summary>
    /// <param name="structured">The choice.</param>
    public RowAnnotator Annotator(bool structured) => new(_task, Options(structured), _template);

    /// <summary>The choice as far as it is known without asking; null: it is not.</summary>
    /// <param name="journal">The journal of answers; null: there is none.</param>
    public bool? Known(Journal? journal) => _given ?? (journal is { Count: > 0 } ? Paid(journal) : null) ?? _known?.Find(_place);

    /// <summary>The choice as far as it is known, by the journal of a directory where there is one.</summary>
    /// <param name="directory">The journal's directory; null: there is none.</param>
    public async Task<bool?> KnownAsync(string? directory)
    {
        if (_given is not null || directory is null || !File.Exists(Path.Combine(directory, Journal.FileName))) return Known(null);
        await using var journal = Journal.Open(directory);
        return Known(journal);
    }

    /// <summary>Makes the choice, by asking a row where it is not known.</summary>
    /// <param name="journal">The journal of answers.</param>
    /// <param name="stack">The teacher.</param>
    /// <param name="grace">How long a pending answer may take after a stop, since it is paid.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <exception cref="TeacherException">No row can be answered.</exception>
    public async Task<bool> DecideAsync(Journal journal, TeacherStack stack, TimeSpan grace, CancellationToken cancellationToken)
    {
        if (Known(journal) is { } known) return known;
        if (_options.Offline) return false;
        if (_options.Batch)
        {
            // A job is sent as a whole: a refusal would come after hours, and for all rows.
            _reporter.Info(
                "whether the endpoint takes a schema is not known: answers are asked for as free text (--structured asks by schema)");
            return false;
        }

        using var hard = new CancellationTokenSource();
        await using var soft = cancellationToken.Register(() => hard.CancelAfter(grace)).ConfigureAwait(false);
        var structured = await AskAsync(stack, hard.Token).ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        return structured;
    }

    /// <summary>Finds out by asking a row, whose answer is kept as any other's is.</summary>
    /// <param name="stack">The teacher.</param>
    /// <param name="cancellationToken">Stops asking.</param>
    /// <exception cref="TeacherException">No row can be answered.</exception>
    public async Task<bool> AskAsync(TeacherStack stack, CancellationToken cancellationToken)
    {
        var (bySchema, free) = (Annotator(true), Annotator(false));
        // As long as nothing speaks against the schema: rows that failed are not asked again in another form.
        var structured = true;
        foreach (var (_, example) in _rows.ToAnnotate().Take(MostRowsTried))
        {
            var refusal = await AskAsync(stack, bySchema, example, cancellationToken).ConfigureAwait(false);
            if (refusal is null) return Settle(true);
            if (stack.Exhausted) return false;
            if (refusal.Fault == TeacherFault.Refused || refusal.GivenUp) continue;
            // One that refuses in other words, and answers the same row without a schema, refused the schema.
            if (stack.Refused?.Has(RefusedParameters.Format) != true
                && await AskAsync(stack, free, example, cancellationToken).ConfigureAwait(false) is not null)
            {
                structured = false;
                continue;
            }
            _reporter.Warn($"{_place}: the endpoint takes no schema; answers are asked for as free text from now on ({refusal.Message})");
            return Settle(false);
        }

        return structured;
    }

    private static async Task<TeacherException?> AskAsync(
        TeacherStack stack, RowAnnotator annotator, Example example, CancellationToken cancellationToken)
    {
        if (stack.Refused is { } parameters) parameters.FormatIsAsked = true;
        try
        {
            var request = annotator.Request(example, 0);
            await stack.Journaled.GetResponseAsync(annotator.Prompt(example), request, cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (TeacherException e) when (e.OfRequest)
        {
            return e;
        }
        finally
        {
            if (stack.Refused is { } asked) asked.FormatIsAsked = false;
        }
    }

    private bool Settle(bool structured)
    {
        if (_options.Try == 0) _known?.Set(_place, structured);
        return structured;
    }

    // The form in which more of these rows are in the journal; null: none of them is.
    private bool? Paid(Journal journal)
    {
        var (bySchema, free) = (Annotator(true), Annotator(false));
        long structured = 0, text = 0;
        foreach (var (_, example) in _rows.ToAnnotate())
        {
            if (Has(free, example)) text++;
            else if (Has(bySchema, example)) structured++;
        }

        return structured + text == 0 ? null : structured > text;

        bool Has(RowAnnotator annotator, Example example) =>
            journal.Contains(RequestKey.Compute(_requests, annotator.Prompt(example), annotator.Request(example, 0)));
    }
}
