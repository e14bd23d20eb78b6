using DistillOnnx.Stages.Options;
using DistillOnnx.Stages.Reporting;

namespace DistillOnnx.Cli.Verbs;

/// <summary>One verb of the command line: a stage's library call under a name.</summary>
/// <param name="Name">What the user types.</param>
/// <param name="Summary">One line for help.</param>
/// <param name="OptionsType">Gives the type of the options; called only for the verb in use, so that no other stage is loaded.</param>
/// <param name="Run">Runs the stage and returns its result object; null where the stage wrote its own answer to stdout.</param>
internal sealed record Verb(
    string Name,
    string Summary,
    Func<Type> OptionsType,
    Func<IStageOptions, IReporter, CancellationToken, Task<object?>> Run);
