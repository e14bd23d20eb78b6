using System.Reflection;
using DistillOnnx.Cli.Output;
using DistillOnnx.Core;
using DistillOnnx.Stages.Options;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Improvement;
using DistillOnnx.Toolchain.Inspect;
using DistillOnnx.Toolchain.Prediction;
using DistillOnnx.Toolchain.Scripting;
using DistillOnnx.Toolchain.Study;

namespace DistillOnnx.Cli.Verbs;

/// <summary>Runs the verb that the arguments name; only that verb's options are loaded, so that help loads no stage.</summary>
internal static class CommandRunner
{
    private const int HelpWidth = 120;
    private const string Summary = "Distilling Step-by-Step: a small T5 learns from a language model's rationales and "
        + "answers without them.";

    /// <summary>Runs a command line.</summary>
    /// <param name="args">The process's arguments.</param>
    /// <param name="cancellationToken">Cancelled by a signal.</param>
    /// <exception cref="InputException">The arguments are at fault.</exception>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        if (args is ["--help" or "-h" or "-?"] or ["help"])
        {
            Console.Out.Write(Overview());
            return ExitCode.Done;
        }

        switch (args)
        {
            case ["--version"]:
                Console.Out.WriteLine(
                    typeof(CommandRunner).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion);
                return ExitCode.Done;
            case ["help", "--markdown"]:
                Console.Out.Write(OptionsPage.Build());
                return ExitCode.Done;
            case ["help", var name]:
                Console.Out.Write(Command(Find(name)).Help(HelpWidth));
                return ExitCode.Done;
        }

        var verb = Find(args.Length > 0 ? args[0] : throw new InputException("expected a verb; see distill --help"));
        var command = Command(verb);
        var rest = args[1..];
        if (VerbCommand.AsksForHelp(rest))
        {
            Console.Out.Write(command.Help(HelpWidth));
            return ExitCode.Done;
        }

        var (options, program) = command.Bind(
            rest, OptionEnvironment.OfProcess(), VerbTable.Names, w => Console.Error.WriteLine($"warning: {w}"));
        var cli = (CliOptions)program;
        cli.Apply();
        using var reporter = ConsoleReporter.Create(cli.Quiet);
        try
        {
            var result = await verb.Run(options, reporter, cancellationToken);
            Finish(result, reporter, cli);
            if (result is InspectResult inspected) Inspector.RequireWhole(inspected);
        }
        catch (QualityGateException fault)
        {
            // The figures show by how much, and where, the gate was missed.
            Finish(fault.Result, reporter, cli);
            throw;
        }
        catch (UnansweredRowsException fault)
        {
            Finish(fault.Result, reporter, cli);
            throw;
        }

        return ExitCode.Done;
    }

    /// <summary>A verb's parser.</summary>
    public static VerbCommand Command(Verb verb) =>
        new(verb.Name, $"distill {verb.Name}", verb.Summary, verb.OptionsType(), typeof(CliOptions));

    private static void Finish(object? result, ConsoleReporter reporter, CliOptions cli)
    {
        reporter.Finish();
        if (result is null) return;
        if (cli.Json)
        {
            ResultPrinter.Print(result, json: true);
            return;
        }

        switch (result)
        {
            case EvaluateResult measured:
                // Curves are for programs and for the report's plots; a person gets the table by label instead, and rationales by row.
                var figures = measured with
                {
                    Reliability = null,
                    RiskCoverage = null,
                    Rationales = measured.Rationales is { } rationales ? rationales with { Examples = [] } : null,
                };
                ResultPrinter.Print(figures, json: false);
                foreach (var line in RationaleTable.Lines(measured)) Console.Out.WriteLine(line);
                foreach (var line in EvaluationTable.Lines(measured)) reporter.Info(line);
                break;
            case StudyResult study:
                // The runs one by one are in results.csv.
                ResultPrinter.Print(study with { Runs = [], Summary = [] }, json: false);
                foreach (var line in study.TableLines()) reporter.Info(line);
                break;
            case ImproveResult improved:
                // The rounds are in report.md, and each was told when it was done.
                ResultPrinter.Print(improved with { Rounds = [] }, json: false);
                break;
            default:
                ResultPrinter.Print(result, json: false);
                break;
        }
    }

    private static Verb Find(string name) => VerbTable.All.FirstOrDefault(v => v.Name == name) ?? throw new InputException(
        name.StartsWith('-')
            ? $"expected a verb before {name}; see distill --help"
            : $"unknown verb \"{name}\"{NearestName.Suggest(name, VerbTable.Names)}; see distill --help");

    private static string Overview() => string.Join(
        Environment.NewLine,
        [
            Summary,
            "",
            "Usage: distill VERB [options]",
            "",
            "Verbs:",
            .. VerbTable.All.Select(v => $"  {v.Name,-12}{v.Summary}"),
            "",
            "distill VERB --help lists a verb's options; distill --version shows the version.",
            ""
        ]);
}
