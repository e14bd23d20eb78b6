using DistillOnnx.Core;
using DistillOnnx.Data;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;
using DistillOnnx.Toolchain.Selection;

namespace DistillOnnx.Toolchain.Annotation;

/// <summary>
/// Annotation with the rule-based teacher of the quickstart and the choice of rows at hand, as the command line does it.
/// </summary>
public static class AnnotateStage
{
    /// <summary>Annotates a dataset, or the rows of it that are chosen.</summary>
    /// <param name="options">What, by whom, within which limits; the teacher <c>rules</c> is that of the quickstart and
    /// of the generated world.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Stops asking; answers that came are kept.</param>
    /// <exception cref="InputException">The options, the dataset, the journal, the teacher or the student cannot be used.</exception>
    /// <exception cref="TeacherException">The teacher answers no more.</exception>
    public static async Task<AnnotateResult> RunAsync(
        AnnotateOptions options, IReporter reporter, CancellationToken cancellationToken = default)
    {
        var faults = options.Validate();
        if (faults.Count > 0) throw new InputException(string.Join("; ", faults));
        if (options.Select is { } rows) options = await SelectAsync(options, rows, reporter, cancellationToken);
        return await Annotator.RunAsync(
            options, options.Teacher == "rules" ? new RulesChatClient() : null, TimeProvider.System, reporter, cancellationToken);
    }

    // A run that is started again finds the same rows there, and so asks the same.
    private static async Task<AnnotateOptions> SelectAsync(
        AnnotateOptions options, int rows, IReporter reporter, CancellationToken cancellationToken)
    {
        var selected = await SelectStage.EnsureAsync(
            new SelectOptions
            {
                Data = options.Data,
                Model = options.Model ?? "",
                Count = rows,
                Selection = options.Selection,
                Out = Path.TrimEndingDirectorySeparator(Path.GetFullPath(options.Out)) + ".selected",
                Seed = options.Seed,
            },
            reporter,
            cancellationToken);
        return options with
        {
            Data = selected.Dataset,
            Select = null,
            Model = null,
            Selection = new(),
            Splits = options.Splits.Count > 0 ? options.Splits : [SplitNames.Train],
        };
    }
}
