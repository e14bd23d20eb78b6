#!/usr/bin/env dotnet
#:project ../src/DistillOnnx.Toolchain/DistillOnnx.Toolchain.csproj
#:property PublishAot=false
#:property EnforceCodeStyleInBuild=false

// Training from a build: import, train, evaluate, export, evaluate what was exported. The stages are the library's; copy this
// file into your own repository and change the path above to a package or project reference.
//
//   dotnet run scripts/train.cs -- build.json
//
// build.json holds one object a stage, with the names that "distill STAGE --help" lists; the same file serves the command line
// (distill train --config build.json), and the environment (DISTILL_TRAIN_MAX_STEPS=100) fills what it leaves out:
//
//   { "import":   { "source": "dss:esnli", "from": ["dss/esnli"], "split_from": "validation", "out": "artifacts/data" },
//     "train":    { "data": "artifacts/data", "student": "t5-tiny", "max_steps": 1600, "out": "artifacts/student" },
//     "evaluate": { "data": "artifacts/data", "model": "artifacts/student", "fail_under": 0.45 },
//     "export":   { "model": "artifacts/student", "data": "artifacts/data", "out": "artifacts/bundle" } }
//
// What was exported is measured with the options of evaluate, but for base and predictions, and its page stands beside the
// checkpoint's: of report "page.html" in page.bundle.html. Evaluate.precision is the bundle's; the checkpoint runs in its own.
// A stage that the file does not name is left out. Each stage prints one JSON object on stdout, progress goes to stderr.
// Exit codes: 0 done, 1 failed or below evaluate.fail_under, 2 bad input, 130 interrupted.

using DistillOnnx.Core;
using DistillOnnx.Core.Bundles;
using DistillOnnx.Stages.Options;
using DistillOnnx.Teacher;
using DistillOnnx.Toolchain.Annotation;
using DistillOnnx.Toolchain.Evaluation;
using DistillOnnx.Toolchain.Export;
using DistillOnnx.Toolchain.Import;
using DistillOnnx.Toolchain.Scripting;
using DistillOnnx.Toolchain.Study;
using DistillOnnx.Toolchain.Training;
using DistillOnnx.Training.Pretraining;
using DistillOnnx.Training.Trainer;

using var interrupt = new Interrupt();
using var reporter = ConsoleReporter.Create(quiet: false);
var stop = interrupt.Token;
try
{
    if (args is not [var file]) throw new InputException("usage: dotnet run scripts/train.cs -- build.json");

    // All stages are read and validated before the first one runs.
    var build = new BuildFile(file);
    var import = build.Read<ImportOptions>("import");
    var annotate = build.Read<AnnotateOptions>("annotate");
    var pretrain = build.Read<PretrainOptions>("pretrain");
    var train = build.Read<TrainOptions>("train");
    var evaluate = build.Read<EvaluateOptions>("evaluate");
    var export = build.Read<ExportOptions>("export");
    var (ofCheckpoint, ofBundle) = Measured(evaluate, export);
    build.Check("evaluate (of the bundle)", ofBundle);
    build.ThrowFaults();

    if (import is not null) Print("import", DatasetImporter.Import(import, reporter, stop));
    if (annotate is not null) Print("annotate", await AnnotateStage.RunAsync(annotate, reporter, stop));
    if (pretrain is not null) Print("pretrain", await StudentPretrainer.RunAsync(pretrain, reporter, stop));
    if (train is not null) Print("train", await TrainStage.RunAsync(train, reporter, stop));
    if (ofCheckpoint is not null) await Measure("evaluate", ofCheckpoint);
    if (export is not null)
    {
        Print("export", await BundleExport.RunAsync(export, reporter, stop));

        // What ships is the bundle, so the gate holds it too.
        if (ofBundle is not null) await Measure("evaluate_bundle", ofBundle);
    }

    return ExitCode.Done;
}
catch (Exception fault)
{
    reporter.Finish();
    var code = ExitCode.Of(fault, stop.IsCancellationRequested, out var message);
    Console.Error.WriteLine($"train: {message}");
    return code;
}

// The checkpoint runs in its own precision, and evaluate.precision is the bundle's; the adapter's base is the checkpoint's, and the
// bundle's page is another file.
static (EvaluateOptions? OfCheckpoint, EvaluateOptions? OfBundle) Measured(EvaluateOptions? evaluate, ExportOptions? export)
{
    if (evaluate is null || export is null) return (evaluate, null);
    var isBundle = File.Exists(Path.Combine(evaluate.Model, BundleManifest.FileName));
    return (
        isBundle ? evaluate : evaluate with { Inference = evaluate.Inference with { Precision = "auto" } },
        evaluate with
        {
            Model = export.Out,
            Base = null,
            Predictions = null,
            Report = evaluate.Report is { } page ? Path.ChangeExtension(page, ".bundle" + Path.GetExtension(page)) : null,
        });
}

// A gate that was missed is shown with its figures.
async Task Measure(string stage, EvaluateOptions options)
{
    try
    {
        Print(stage, await Evaluator.RunAsync(options, reporter, stop));
    }
    catch (QualityGateException fault) when (fault.Result is { } result)
    {
        Print(stage, result);
        throw;
    }
}

void Print(string stage, object result)
{
    reporter.Finish();
    Console.Out.WriteLine($$"""{"stage":"{{stage}}","result":{{ResultJson.ToLine(result)}}}""");
}

/// <summary>The build's configuration: options of the stages that it names.</summary>
internal sealed class BuildFile(string path)
{
    private static readonly string[] Stages = ["import", "annotate", "pretrain", "train", "evaluate", "export"];

    private readonly ConfigurationFile _file = ConfigurationFile.Load(path, Stages);
    private readonly List<string> _faults = [];

    /// <summary>A stage's options; null where the file does not name the stage, or has a fault that
    /// <see cref="ThrowFaults"/> tells.</summary>
    public T? Read<T>(string stage)
        where T : class, IStageOptions
    {
        if (_file.Section(stage) is null) return null;
        try
        {
            return (T)new OptionBinder(typeof(T), stage).Bind(_file, OptionEnvironment.OfProcess());
        }
        catch (InputException fault)
        {
            _faults.Add($"{stage}: {fault.Message}");
            return null;
        }
    }

    /// <summary>Checks options that follow from the file's; <see cref="ThrowFaults"/> tells their faults.</summary>
    public void Check(string stage, IStageOptions? options) =>
        _faults.AddRange(options?.Validate().Select(fault => $"{stage}: {fault}") ?? []);

    /// <summary>Refuses the file where a stage's options are at fault: one message for all stages.</summary>
    public void ThrowFaults()
    {
        if (_faults.Count > 0) throw new InputException(string.Join("; ", _faults));
    }
}
