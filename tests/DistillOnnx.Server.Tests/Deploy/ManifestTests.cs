using System.Text.Json;
using System.Text.RegularExpressions;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Server.Tests.Fakes;
using k8s;
using k8s.Models;

namespace DistillOnnx.Server.Tests.Deploy;

/// <summary>The deployment files against Kubernetes' own types, and against the server that they start.</summary>
public sealed partial class ManifestTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "src/DistillOnnx.Server/deploy");

    // KServe's resources have no types there: what matters to the server is the container of the runtime.
    private static readonly Dictionary<string, Type> CustomTypes = new(StringComparer.Ordinal)
    {
        ["serving.kserve.io/v1alpha1/ServingRuntime"] = typeof(ServingRuntime),
        ["serving.kserve.io/v1beta1/InferenceService"] = typeof(InferenceService),
    };

    [Theory]
    [InlineData("deployment.yaml")]
    [InlineData("service.yaml")]
    [InlineData("autoscaler.yaml")]
    public void Manifest_Strictly_HasOnlyFieldsThatKubernetesKnows(string file) => Assert.NotEmpty(Load(file, strict: true));

    [Fact]
    public void Deployment_StartsTheServerThatItsProbesAsk()
    {
        var container = Assert.Single(Load("deployment.yaml").OfType<V1Deployment>().Single().Spec.Template.Spec.Containers);
        var options = Read(container.Args);

        var ports = container.Ports.ToDictionary(p => p.Name, p => p.ContainerPort, StringComparer.Ordinal);
        Assert.Equal(ports["grpc"], Port(options.Urls));
        Assert.Equal(ports["admin"], Port(options.AdminUrls));
        Assert.Equal(ports["admin"], container.StartupProbe.Grpc.Port);
        Assert.Equal(ports["admin"], container.ReadinessProbe.Grpc.Port);
        Assert.Contains(container.VolumeMounts, m => m.MountPath == options.ModelFolder);

        // A name that the server does not read would leave it open to everybody.
        Assert.Equal(["team=0123456789abcdef"], Read(container.Args, (Assert.Single(container.Env).Name, "team=0123456789abcdef")).ApiKeys);
    }

    [Fact]
    public void Deployment_IsGivenLongerToStopThanTheServerTakes()
    {
        var pod = Load("deployment.yaml").OfType<V1Deployment>().Single().Spec.Template.Spec;
        var options = Read(pod.Containers[0].Args);

        Assert.True(pod.TerminationGracePeriodSeconds > options.DrainDelaySeconds + options.DrainSeconds);
    }

    [Fact]
    public void Service_SelectsTheDeploymentsPodsAndNamesTheirPorts()
    {
        var template = Load("deployment.yaml").OfType<V1Deployment>().Single().Spec.Template;
        var service = Load("service.yaml").OfType<V1Service>().Single();

        Assert.Equal("None", service.Spec.ClusterIP);
        Assert.All(service.Spec.Selector, s => Assert.Equal(s.Value, template.Metadata.Labels[s.Key]));
        Assert.All(service.Spec.Ports, p => Assert.Contains(template.Spec.Containers[0].Ports, c => c.Name == p.TargetPort.Value));
    }

    [Fact]
    public async Task Autoscaler_ScalesTheDeploymentByAMetricThatIsExported()
    {
        var scaler = Load("autoscaler.yaml").OfType<V2HorizontalPodAutoscaler>().Single().Spec;
        await using var server = await TestServer.StartAsync();
        var page = await server.Http.GetStringAsync("/metrics");

        Assert.Equal(Load("deployment.yaml").OfType<V1Deployment>().Single().Metadata.Name, scaler.ScaleTargetRef.Name);
        Assert.Contains("\n" + Assert.Single(scaler.Metrics).Pods.Metric.Name + "{", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Kserve_RuntimeStartsTheServerForTheFormatThatTheServiceAsks()
    {
        var documents = Load("kserve.yaml");
        var runtime = documents.OfType<ServingRuntime>().Single().Spec;
        var service = documents.OfType<InferenceService>().Single().Spec.Predictor.Model;
        var container = Assert.Single(runtime.Containers);
        var options = Read(container.Args);

        Assert.Equal(Assert.Single(container.Ports).ContainerPort, Port(options.Urls));
        Assert.Equal(container.ReadinessProbe.Grpc.Port, Port(options.AdminUrls));
        Assert.Contains(runtime.SupportedModelFormats, f => f.Name == service.ModelFormat.Name);
        Assert.Contains(service.ProtocolVersion, runtime.ProtocolVersions);
    }

    [Fact]
    public async Task Dockerfile_ItsDefaultArguments_AreTheServers()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Folder, "Dockerfile"));
        var options = Read(JsonSerializer.Deserialize<string[]>(Command().Match(text).Groups[1].Value)!);

        Assert.Equal("/models", options.ModelFolder);
        Assert.Empty(ServerOptionsCheck.Faults(options with { ModelFolder = Folder }));
        Assert.Contains($"EXPOSE {Port(options.Urls)} {Port(options.AdminUrls)}", text, StringComparison.Ordinal);
    }

    // Not validated: paths are the container's, which are not on this machine.
    private static ServerOptions Read(IEnumerable<string> args, params (string Name, string Value)[] environment) =>
        ServerCommand.Bind([.. args], environment.ToDictionary(e => e.Name, e => e.Value), w => Assert.Fail(w), validate: false);

    [GeneratedRegex(@"^CMD (\[.*\])$", RegexOptions.Multiline)]
    private static partial Regex Command();

    private static List<object> Load(string file, bool strict = false) =>
        KubernetesYaml.LoadAllFromString(File.ReadAllText(Path.Combine(Folder, "kubernetes", file)), CustomTypes, strict);

    private static int Port(IReadOnlyList<string> urls) => new Uri(Assert.Single(urls).Replace("*", "any", StringComparison.Ordinal)).Port;

    private sealed class ServingRuntime
    {
        public RuntimeSpec Spec { get; set; } = null!;
    }

    private sealed class RuntimeSpec
    {
        public List<ModelFormat> SupportedModelFormats { get; set; } = [];

        public List<string> ProtocolVersions { get; set; } = [];

        public List<V1Container> Containers { get; set; } = [];
    }

    private sealed class InferenceService
    {
        public ServiceSpec Spec { get; set; } = null!;
    }

    private sealed class ServiceSpec
    {
        public PredictorSpec Predictor { get; set; } = null!;
    }

    private sealed class PredictorSpec
    {
        public ModelSpec Model { get; set; } = null!;
    }

    private sealed class ModelSpec
    {
        public ModelFormat ModelFormat { get; set; } = null!;

        public string ProtocolVersion { get; set; } = "";
    }

    private sealed class ModelFormat
    {
        public string Name { get; set; } = "";
    }
}
