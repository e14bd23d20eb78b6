using System.Diagnostics;
using DistillOnnx.Core.Tasks;
using DistillOnnx.Core.Tokenization;
using DistillOnnx.Stages.Reporting;
using DistillOnnx.TestSupport;

namespace DistillOnnx.Export.Tests;

/// <summary>The standard's own judge, from Python: checker and strict shape inference take every graph of every form.</summary>
public sealed class OnnxCheckerTests
{
    private const string Script = """
        import sys, onnx
        for path in sys.argv[1:]:
            if onnx.load(path, load_external_data=False).ir_version > onnx.IR_VERSION:
                print(path)
                continue
            onnx.checker.check_model(path, full_check=True)
            model = onnx.load(path)
            inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
            known = {v.name for v in list(inferred.graph.value_info) + list(inferred.graph.output)}
            made = [o for n in inferred.graph.node for o in n.output if o]
            missing = [o for o in made if o not in known]
            assert not missing, f"{path}: no shape for {missing[:5]}"
        """;

    [Theory]
    [InlineData(TaskKind.Labels, false, "fp32,fp16,int8,q4")]
    [InlineData(TaskKind.Choices, false, "fp32,fp16,int8,q4")]
    [InlineData(TaskKind.Labels, true, "fp32,fp16,int8")]
    [InlineData(TaskKind.Choices, true, "fp32,fp16,int8")]
    public async Task Export_EveryGraph_PassesCheckerAndStrictShapeInference(TaskKind kind, bool portable, string precisions)
    {
        var python = await Python() ?? "";
        Assert.SkipWhen(python.Length == 0, "no Python with the onnx package on the path (Debian: apt-get install python3-onnx)");
        using var checkpoint = TinyCheckpoint.Create(TinyCheckpoint.Variants["v1.1"] with { VocabSize = 256 });
        T5Tokenizer.FromModel(TinyTokenizer.SpieceModel).Save(checkpoint.Directory);
        new TaskSpec { Name = "tiny", Kind = kind, Labels = kind == TaskKind.Labels ? ["yes", "yesno", "no"] : null }.Save(
            checkpoint.Directory);
        var directory = Directory.CreateTempSubdirectory("distillonnx-checker-").FullName;
        try
        {
            foreach (var threshold in (long[])[2_000_000_000, 0])
            {
                var options = new BundleExportOptions
                {
                    Model = checkpoint.Directory,
                    Out = Path.Combine(directory, "bundle"),
                    Overwrite = true,
                    Portable = portable,
                    Precision = precisions.Split(','),
                    ExternalDataThreshold = threshold,
                };
                BundleExporter.Export(options, Reporter.None, TestContext.Current.CancellationToken);
                var graphs = Directory.GetFiles(Path.Combine(options.Out, "onnx"), "*.onnx");
                Assert.Equal(5 * options.Precision.Count, graphs.Length);
                var (code, newer, said) = await Run(python, ["-c", Script, .. graphs]);
                Assert.True(code == 0, said);
                if (newer.Length == 0) continue;
                var names = newer.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(p => Path.GetFileName(p));
                Assert.All(names, n => Assert.Equal("label_model_int8.onnx", n));
                TestContext.Current.AddWarning("the onnx package is too old for label_model_int8.onnx: 1.18 or later reads it");
            }
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<string?> Python()
    {
        foreach (var name in (string[])["python3", "/usr/bin/python3", "python"])
        {
            try
            {
                if ((await Run(name, ["-c", "import onnx"])).Code == 0) return name;
            }
            catch (System.ComponentModel.Win32Exception)
            {
                // Not there: the next one.
            }
        }

        return null;
    }

    private static async Task<(int Code, string Printed, string Said)> Run(string program, string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(TimeSpan.FromMinutes(2));
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(stop.Token);
            var said = await process.StandardError.ReadToEndAsync(stop.Token);
            var printed = await output;
            await process.WaitForExitAsync(stop.Token);
            return (process.ExitCode, printed, said);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }
}
