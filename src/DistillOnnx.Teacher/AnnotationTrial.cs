using DistillOnnx.Teacher.Clients;
using DistillOnnx.Teacher.Journaling;
using DistillOnnx.Teacher.Rows;
using Microsoft.Extensions.AI;

namespace DistillOnnx.Teacher;

/// <summary>Asks a few rows and shows prompts and answers. The requests are paid, and nothing is saved.</summary>
internal static class AnnotationTrial
{
    public static async Task<AnnotateResult> RunAsync(
        AnnotateOptions options,
        TeacherSpec spec,
        IChatClient? teacher,
        RowSource rows,
        FormatChoice format,
        string? kept,
        TimeProvider clock,
        CancellationToken cancellationToken)
    {
        var directory = Directory.CreateTempSubdirectory("distill-try-").FullName;
        try
        {
            await using var journal = Journal.Open(directory);
            using var stack = new TeacherStack(options, spec, teacher, journal, clock);
            var known = await format.KnownAsync(kept).ConfigureAwait(false);
            var annotator = format.Annotator(known ?? await format.AskAsync(stack, cancellationToken).ConfigureAwait(false));
            var tried = new List<TriedRow>();
            foreach (var (_, example) in rows.ToAnnotate().Take(options.Try))
            {
                var prompt = annotator.Prompt(example);
                var outcome = await annotator.AnnotateAsync(example, stack.Journaled, cancellationToken).ConfigureAwait(false);
                tried.Add(new TriedRow
                {
                    Id = example.Id,
                    Prompt = string.Join("\n", prompt.Select(m => $"{m.Role.Value}: {m.Text}")),
                    RawAnswer = outcome.LastAnswer,
                    Thoughts = outcome.Thoughts,
                    Rationale = outcome.Rationale,
                    Label = outcome.Label,
                    Gold = example.Label,
                    Verdict = outcome.Fault is null
                        ? SplitTally.Name(outcome.Verdict)
                        : $"{SplitTally.Name(outcome.Verdict)}: {outcome.Fault}",
                });
            }

            return new AnnotateResult
            {
                Tried = tried,
                Requests = stack.Sent,
                InputTokens = journal.Tokens.Input,
                OutputTokens = journal.Tokens.Output,
            };
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
