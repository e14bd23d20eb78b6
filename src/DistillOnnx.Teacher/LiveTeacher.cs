using System.Runtime.CompilerServices;
using DistillOnnx.Core;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Data;
using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Limits;
using DistillOnnx.Teacher.Prompts;
using DistillOnnx.Teacher.Rows;

namespace DistillOnnx.Teacher;

/// <summary>
/// A teacher that answers single inputs while a program runs, through a journal: what is in it is not paid again, and a later
/// <c>annotate</c> with the same journal and the same way of asking finds the answers. Safe for several threads.
/// </summary>
public sealed class LiveTeacher : IAsyncDisposable
{
    private readonly AnnotateOptions _options;
    private readonly Journal _journal;
    private readonly TeacherStack _stack;
    private readonly PromptTemplate? _template;
    private readonly ConditionalWeakTable<TaskSpec, RowAnnotator> _annotators = [];

    private LiveTeacher(AnnotateOptions options, Journal journal, TeacherStack stack, PromptTemplate? template)
    {
        _options = options;
        _journal = journal;
        _stack = stack;
        _template = template;
    }

    /// <summary>Requests that the teacher answered since this was opened.</summary>
    public long Asked => _stack.Journaled.Asked;

    /// <summary>Requests that the journal answered since this was opened.</summary>
    public long Found => _stack.Journaled.Hits;

    /// <summary>US dollars for all that the journal holds; null: the table of prices does not know a model.</summary>
    public double? Cost => Ledger.Cost(_journal.Totals, _options.Prices);

    /// <summary>Opens a teacher and its journal.</summary>
    /// <param name="options">Which teacher, how it is asked and within which limits: <c>Teacher</c> and <c>Journal</c> are needed, and what
    /// concerns a dataset is not read. Answers are free text in the prompt's form unless <c>Structured</c> is true.</param>
    /// <exception cref="InputException">The options are at fault, or another process has the journal.</exception>
    public static LiveTeacher Open(AnnotateOptions options)
    {
        var spec = TeacherSpec.Parse(options.Teacher);
        var template = options.Prompt is null ? null : PromptTemplate.Load(options.Prompt);
        var journal = Journal.Open(options.Journal ?? throw new InputException("a teacher needs a journal"));
        try
        {
            return new LiveTeacher(options, journal, new TeacherStack(options, spec, null, journal, TimeProvider.System), template);
        }
        catch
        {
            journal.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Asks about one input.</summary>
    /// <param name="task">What is asked.</param>
    /// <param name="example">The input, with its choices where the task has them.</param>
    /// <param name="cancellationToken">Stops asking; what is paid by then may be lost.</param>
    /// <exception cref="TeacherException">The teacher cannot be asked: no connection, no such key, no such model.</exception>
    public async Task<LiveAnswer> AskAsync(TaskSpec task, Example example, CancellationToken cancellationToken)
    {
        var annotator = _annotators.GetValue(task, t => new RowAnnotator(t, _options, _template ?? PromptTemplate.For(t)));
        var outcome = await annotator.AnnotateAsync(example, _stack.Journaled, cancellationToken).ConfigureAwait(false);
        return new LiveAnswer(outcome.Label, outcome.Rationale, outcome.Verdict == RowVerdict.NotAsked, outcome.Fault);
    }

    /// <summary>Closes the journal. Nothing may be under way.</summary>
    public async ValueTask DisposeAsync()
    {
        _stack.Dispose();
        await _journal.DisposeAsync().ConfigureAwait(false);
    }
}
