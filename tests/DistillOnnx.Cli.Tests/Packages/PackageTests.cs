using System.Globalization;
using System.IO.Compression;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using DistillOnnx.Core.Prediction;
using DistillOnnx.Runtime;
using DistillOnnx.Training.Native;

namespace DistillOnnx.Cli.Tests.Packages;

/// <summary>The packages as their users have them: from a feed, in projects that know nothing of this repository.</summary>
[Collection(PackageCollection.Name)]
public sealed partial class PackageTests
{
    private const string Text = "a pear on the table number 3";

    private static readonly string[] Libraries =
    [
        "Core", "Stages", "Checkpoints", "Data", "Teacher", "Training", "Export", "Runtime", "Hosting", "Client", "Toolchain",
    ];

    private readonly PackageFeed _feed;

    /// <param name="feed">The feed.</param>
    public PackageTests(PackageFeed feed)
    {
        Assert.SkipWhen(LibTorch.IsExternal, "the packages of the default build are tested");
        _feed = feed;
    }

    [Fact]
    public void Feed_AllLibraries_AreThereWithSymbolsReadmeAndLicence()
    {
        var end = $".{PackageFeed.Version}.nupkg".Length;
        var found = Directory.GetFiles(_feed["feed"], "*.nupkg").Select(f => Path.GetFileName(f)[..^end]).ToList();
        string[] tool = ["DistillOnnx.Cli", $"DistillOnnx.Cli.{RuntimeInformation.RuntimeIdentifier}"];
        Assert.Equal(Libraries.Select(l => $"DistillOnnx.{l}").Concat(tool).Order(), found.Order());
        foreach (var id in found)
        {
            var about = _feed.Describe(id);
            using var package = ZipFile.OpenRead(_feed[$"feed/{id}.{PackageFeed.Version}.nupkg"]);
            Assert.Equal("Apache-2.0", Element(about, "license"));
            Assert.NotNull(package.GetEntry(Element(about, "readme")));
            Assert.True(Element(about, "description").Length > 40, id);
            Assert.NotEmpty(Element(about, "tags"));

            // What a registry takes; the tool's package has libtorch in it.
            Assert.True(new FileInfo(_feed[$"feed/{id}.{PackageFeed.Version}.nupkg"]).Length < 250 << 20, id);
            if (tool.Contains(id)) continue;
            Assert.NotNull(package.GetEntry($"lib/net10.0/{id}.xml"));
            using var symbols = ZipFile.OpenRead(_feed[$"feed/{id}.{PackageFeed.Version}.snupkg"]);
            Assert.NotNull(symbols.GetEntry($"lib/net10.0/{id}.pdb"));
        }
    }

    [Theory]
    [InlineData("Core", "cuda", "package", "DistillOnnx.Core")]
    [InlineData("Hosting", "cuda", "package", "DistillOnnx.Hosting.Cuda")]
    [InlineData("Hosting", "cpu", "external", "DistillOnnx.Hosting")]
    [InlineData("Toolchain", "cuda", "external", "DistillOnnx.Toolchain.Cuda.NoLibTorch")]
    public async Task Id_OfABuildForOtherNativePackages_IsAnother(string project, string accelerator, string torch, string id)
    {
        var output = await _feed.DotnetAsync(
            Repository.Root, "msbuild", $"src/DistillOnnx.{project}", "-getProperty:PackageId", $"-p:Accelerator={accelerator}",
            $"-p:LibTorch={torch}");
        Assert.Equal(id, output.Trim());
    }

    [Fact]
    public async Task Runtime_InAConsoleProgram_PredictsAsTheToolchainDoes()
    {
        var project = _feed.WriteProject("console", "Microsoft.NET.Sdk", "DistillOnnx.Runtime", """
            using DistillOnnx.Core.Prediction;
            using DistillOnnx.Runtime;

            using var predictor = BundlePredictor.Open(args[0]);
            var answer = predictor.Predict([new PredictorInput(args[1])])[0];
            Console.WriteLine(FormattableString.Invariant($"{answer.Label} {answer.Probability}"));
            """);
        await _feed.DotnetAsync(project, "build", "-c", "Release", "-v", "quiet");
        var run = await _feed.RunAsync("dotnet", project, ["bin/Release/net10.0/console.dll", _feed.Bundle, Text]);

        Assert.True(run.ExitCode == 0, run.Error);
        AssertExpected(run.Output.Split(' ')[0], double.Parse(run.Output.Split(' ')[1], CultureInfo.InvariantCulture));
        var packages = Packages(project);
        Assert.Contains("Microsoft.ML.OnnxRuntime", packages);
        Assert.DoesNotContain(packages, p => Starts(p, "TorchSharp", "libtorch", "Grpc", "Microsoft.AspNetCore", "Microsoft.Extensions"));
        var frameworks = await File.ReadAllTextAsync(Path.Combine(project, "bin/Release/net10.0/console.runtimeconfig.json"));
        Assert.DoesNotContain("AspNetCore", frameworks, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Client_InAConsoleProgram_BringsNoEngine()
    {
        var project = _feed.WriteProject("client", "Microsoft.NET.Sdk", "DistillOnnx.Client", """
            using DistillOnnx.Client;
            using Grpc.Core;

            using var client = new PredictionClient(new PredictionClientOptions { Addresses = ["http://127.0.0.1:1"], MaxAttempts = 1 });
            try
            {
                await client.PredictAsync("", "text");
            }
            catch (RpcException e)
            {
                Console.WriteLine(e.StatusCode);
            }
            """);
        await _feed.DotnetAsync(project, "build", "-c", "Release", "-v", "quiet");
        var run = await _feed.RunAsync("dotnet", project, ["bin/Release/net10.0/client.dll"]);

        Assert.Equal("Unavailable", run.Output.Trim());
        Assert.DoesNotContain(Packages(project), p => Starts(p, "Microsoft.ML", "TorchSharp", "libtorch", "DistillOnnx.Core"));
    }

    [Fact]
    public async Task Client_ItsProtoFiles_CompileOnTheirOwn()
    {
        using (var package = ZipFile.OpenRead(_feed[$"feed/DistillOnnx.Client.{PackageFeed.Version}.nupkg"]))
        {
            foreach (var proto in package.Entries.Where(e => e.FullName.StartsWith("protos/", StringComparison.Ordinal)))
            {
                var target = _feed[Path.Combine("client-protos", proto.FullName)];
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                proto.ExtractToFile(target);
            }
        }

        var (compiler, include) = Protoc();
        Directory.CreateDirectory(_feed["python"]);
        var run = await _feed.RunAsync(
            compiler,
            _feed["client-protos"],
            ["-Iprotos", "-I" + include, "--python_out=" + _feed["python"], "protos/distillonnx/v1/prediction.proto"]);

        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Contains("PredictionService", await File.ReadAllTextAsync(_feed["python/distillonnx/v1/prediction_pb2.py"]));
    }

    [Fact]
    public async Task Hosting_InAWebProgram_ServesABundle()
    {
        var project = _feed.WriteProject("web", "Microsoft.NET.Sdk.Web", "DistillOnnx.Hosting", """
            using DistillOnnx.Core.Prediction;
            using DistillOnnx.Hosting;
            var builder = WebApplication.CreateBuilder(args);
            builder.Services.AddDistillOnnx(options => options.Bundle = args[0]);
            var app = builder.Build();
            app.MapPost("/label", (string[] texts, IPredictor predictor) => predictor.PredictAsync([.. texts.Select(t => new PredictorInput(t))]));
            app.Run("http://127.0.0.1:0");
            """);
        await _feed.DotnetAsync(project, "build", "-c", "Release", "-v", "quiet");
        using var server = _feed.Start("dotnet", project, ["bin/Release/net10.0/web.dll", _feed.Bundle]);
        try
        {
            string? address = null;
            while (address is null && await server.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromMinutes(5)) is { } line)
                address = ListeningOn().Match(line) is { Success: true } match ? match.Value : null;
            Assert.True(address is not null, await Rest(server));

            using var http = new HttpClient { BaseAddress = new Uri(address!) };
            using var response = await http.PostAsJsonAsync("/label", new[] { Text });
            var answer = (await response.Content.ReadFromJsonAsync<JsonElement>())[0];
            AssertExpected(answer.GetProperty("label").GetString()!, answer.GetProperty("probability").GetDouble());
            Assert.DoesNotContain(Packages(project), p => Starts(p, "TorchSharp", "libtorch", "Grpc"));
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    [Fact]
    public async Task Toolchain_InABuildScript_RunsTheLine()
    {
        // What the script itself says: copy it and change its path to a package reference.
        var script = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "scripts/train.cs"));
        Assert.Matches(ProjectDirective(), script);
        await File.WriteAllTextAsync(_feed["train.cs"], ProjectDirective().Replace(
            script, $"#:package DistillOnnx.Toolchain@{PackageFeed.Version}\n#:property UseCurrentRuntimeIdentifier=true\n"));
        var task = _feed.Task;
        await File.WriteAllTextAsync(_feed["build.json"], JsonSerializer.Serialize(new
        {
            train = new
            {
                data = task["data"],
                student = task["shape.json"],
                @out = task["script-student"],
                vocabulary_size = 120,
                batch_size = 8,
                max_steps = 2,
                device = "cpu",
            },
            evaluate = new
            {
                data = task["data"],
                split = "validation",
                model = task["script-student"],
                device = "cpu",
                precision = "int8",
                report = task["script.html"],
            },
            export = new { model = task["script-student"], @out = task["script-bundle"], precision = new[] { "fp32", "int8" } },
        }));

        var output = await _feed.DotnetAsync(_feed.Root, "run", "train.cs", "--", "build.json");

        var stages = output.Split('\n').Where(l => l.StartsWith('{')).Select(l => (string)JsonNode.Parse(l)!["stage"]!);
        Assert.Equal(["train", "evaluate", "export", "evaluate_bundle"], stages);
        Assert.True(File.Exists(task["script-bundle/distill.json"]));

        // The checkpoint runs in its own precision, and the bundle's page is not in the place of the checkpoint's.
        Assert.Contains(task["script-student"], await File.ReadAllTextAsync(task["script.html"]), StringComparison.Ordinal);
        Assert.Contains(task["script-bundle"], await File.ReadAllTextAsync(task["script.bundle.html"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tool_Installed_TellsItsEnginesAndPredicts()
    {
        await _feed.DotnetAsync(
            _feed.Root, "tool", "install", "DistillOnnx.Cli", "--version", PackageFeed.Version, "--tool-path", _feed["tools"],
            "--configfile", _feed["nuget.config"]);
        var distill = _feed["tools/distill"] + (OperatingSystem.IsWindows() ? ".exe" : "");

        var info = await _feed.RunAsync(distill, _feed.Root, ["info", "--json"]);
        var predict = await _feed.RunAsync(
            distill, _feed.Root, ["predict", "--model", _feed.Bundle, "--quiet"], JsonSerializer.Serialize(new { input = Text }) + "\n");

        Assert.True(info.ExitCode == 0, info.Error);
        Assert.True((bool)JsonNode.Parse(info.Output)!["torch"]!["loads"]!, info.Output);
        Assert.True(predict.ExitCode == 0, predict.Error);
        var answer = JsonNode.Parse(predict.Output.Split('\n')[0])!;
        AssertExpected((string)answer["label"]!, (double)answer["probability"]!);
    }

    private static bool Starts(string package, params string[] prefixes) =>
        prefixes.Any(p => package.StartsWith(p, StringComparison.OrdinalIgnoreCase));

    private static string Element(XElement about, string name) => about.Elements().Single(e => e.Name.LocalName == name).Value;

    /// <summary>Everything that a project's references bring, near or far.</summary>
    private static List<string> Packages(string project) =>
        [.. JsonNode.Parse(File.ReadAllText(Path.Combine(project, "obj/project.assets.json")))!["libraries"]!
            .AsObject().Select(l => l.Key.Split('/')[0])];

    /// <summary>The compiler of the build, and the files that come with every compiler.</summary>
    private static (string Compiler, string Include) Protoc()
    {
        var versions = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion");
        var version = versions.Single(v => (string)v.Attribute("Include")! == "Grpc.Tools").Attribute("Version")!.Value;
        var tools = Path.Combine(PackageFeed.Cache, "grpc.tools", version);
        var folder = OperatingSystem.IsWindows() ? "windows_x64"
            : OperatingSystem.IsMacOS() ? "macosx_universal"
            : "linux_" + Architecture();
        var file = Path.Combine(tools, "tools", folder, OperatingSystem.IsWindows() ? "protoc.exe" : "protoc");
        return (file, Path.Combine(tools, "build", "native", "include"));
    }

    private static string Architecture() => RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();

    private static async Task<string> Rest(System.Diagnostics.Process process) =>
        process.HasExited ? await process.StandardError.ReadToEndAsync() : "no address";

    private void AssertExpected(string label, double probability)
    {
        using var predictor = BundlePredictor.Open(_feed.Bundle);
        var expected = predictor.Predict([new PredictorInput(Text)])[0];
        Assert.Equal(expected.Label, label);
        Assert.Equal(expected.Probability!.Value, probability, 1e-5);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:[1-9]\d*")]
    private static partial Regex ListeningOn();

    [GeneratedRegex(@"^#:project .*DistillOnnx\.Toolchain\.csproj\r?\n", RegexOptions.Multiline)]
    private static partial Regex ProjectDirective();
}
