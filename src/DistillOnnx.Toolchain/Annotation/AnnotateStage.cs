using DistillOnnx.Stages.Reporting;
using DistillOnnx.Teacher;

namespace DistillOnnx.Toolchain.Annotation;

/// <summary>Annotation with the rule-based teacher of the quickstart at hand, as the command line does it.</summary>
public static class AnnotateStage
{
    /// <summary>Annotates a dataset.</summary>
    /// <param name="options">What, by whom, within which limits; the teacher <c>rules</c> is that of the quickstart and of
    /// the generated world.</param>
    /// <param name="reporter">Receives progress and messages.</param>
    /// <param name="cancellationToken">Stops asking; answers that came are kept.</param>
    /// <exception cref="DistillOnnx.Core.InputException">The options, the dataset, the journal or the teacher cannot be used.</exception>
    /// <exception cref="TeacherException">The teacher answers no more.</exception>
    public static Task<AnnotateResult> RunAsync(
        AnnotateOptions options, IReporter reporter, CancellationToken cancellationToken = default) =>
        Annotator.RunAsync(
            options, options.Teacher == "rules" ? new RulesChatClient() : null, TimeProvider.System, reporter, cancellationToken);
}
