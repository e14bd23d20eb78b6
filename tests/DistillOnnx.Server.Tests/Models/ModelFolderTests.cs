using DistillOnnx.Core;
using DistillOnnx.Server.Hosting;
using DistillOnnx.Server.Models;
using DistillOnnx.Server.Tests.Fakes;
using DistillOnnx.TestSupport;
using Microsoft.Extensions.DependencyInjection;

namespace DistillOnnx.Server.Tests.Models;

public sealed class ModelFolderTests
{
    [Fact]
    public async Task Scan_BundleReplaced_SwitchesAndClosesTheOldOne()
    {
        await using var world = await World.StartAsync(w => w.Drop("nli", "first"));
        var old = world.Model("nli");

        world.Drop("nli", "second");
        world.Scan();
        Assert.Same(old, world.Model("nli"));
        world.Scan();

        Assert.Equal("second", world.Salt("nli"));
        await world.ClosedAsync("first");
    }

    [Fact]
    public async Task Scan_BundleStillBeingCopied_IsNotTriedUntilItSettles()
    {
        await using var world = await World.StartAsync(w => w.Drop("nli", "first"));

        world.Drop("nli", "bad half");
        world.Scan();
        world.Drop("nli", "second");
        world.Scan();
        world.Scan();

        Assert.Equal("second", world.Salt("nli"));
        Assert.DoesNotContain("bad half", world.Tried);
    }

    [Fact]
    public async Task Scan_BadBundle_IsRejectedOnceAndTheOldOneServesOn()
    {
        await using var world = await World.StartAsync(w => w.Drop("nli", "first"));

        world.Drop("nli", "bad");
        for (var i = 0; i < 5; i++) world.Scan();

        Assert.Equal("first", world.Salt("nli"));
        Assert.Single(world.Tried, "bad");
        world.Drop("nli", "second");
        world.Scan();
        world.Scan();
        Assert.Equal("second", world.Salt("nli"));
    }

    [Fact]
    public async Task Scan_NewerVersionDropped_BecomesCurrentAndTheOlderOneGoes()
    {
        await using var world = await World.StartAsync(w => w.Drop("nli/9", "nine"));

        world.Drop("nli/10", "ten");
        world.Scan();
        world.Scan();

        Assert.Equal(("10", "ten"), (world.Model("nli").Version, world.Salt("nli")));
        Assert.Equal(["10"], world.Catalog.Find("nli").Versions.Keys);
        await world.ClosedAsync("nine");
    }

    [Fact]
    public async Task Scan_TwoVersionsKept_BothAnswerAndTheNewestIsCurrent()
    {
        await using var world = await World.StartAsync(
            w =>
            {
                w.Drop("nli/1", "one");
                w.Drop("nli/2", "two");
                w.Drop("nli/3", "three");
            },
            keep: 2);

        Assert.Equal("3", world.Catalog.Find("nli", "").Version);
        Assert.Equal("2", world.Catalog.Find("nli", "2").Version);
        Assert.Throws<ModelNotFoundException>(() => world.Catalog.Find("nli", "1"));
    }

    [Fact]
    public async Task Scan_NewestVersionIsBad_TheOneBeforeItServes()
    {
        await using var world = await World.StartAsync(w =>
        {
            w.Drop("nli/1", "one");
            w.Drop("nli/2", "bad");
        });

        Assert.Equal("1", world.Model("nli").Version);
    }

    [Fact]
    public async Task Scan_NewestVersionTakenAway_FallsBackToTheOneBefore()
    {
        await using var world = await World.StartAsync(w =>
        {
            w.Drop("nli/1", "one");
            w.Drop("nli/2", "two");
        });

        Directory.Delete(world.Path("nli/2"), recursive: true);
        world.Scan();
        world.Scan();

        Assert.Equal("1", world.Model("nli").Version);
        await world.ClosedAsync("two");
    }

    [Fact]
    public async Task Scan_ModelTakenAway_GoesOutOfServiceAtTheSecondLook()
    {
        await using var world = await World.StartAsync(w =>
        {
            w.Drop("nli", "first");
            w.Drop("other", "second");
        });

        Directory.Delete(world.Path("nli"), recursive: true);
        world.Scan();
        Assert.Equal("first", world.Salt("nli"));
        world.Scan();

        Assert.Throws<ModelNotFoundException>(() => world.Catalog.Find("nli"));
        Assert.Equal("second", world.Salt("other"));
    }

    [Fact]
    public async Task Scan_DirectoriesThatHoldNoBundle_AreNamedOnceEachAndAgainWhenChanged()
    {
        await using var world = await World.StartAsync(w =>
        {
            w.Drop("nli/1", "one");
            w.Put("nli/2/onnx/label_model.onnx");
            w.Put("student/model.safetensors");
            w.Put("notes/readme.txt");
            w.Put("two words/distill.json");
            w.Put(".being-copied/model.safetensors");
            Directory.CreateDirectory(w.Path("nothing"));
        });

        for (var i = 0; i < 3; i++) world.Scan();

        Assert.Equal("one", world.Salt("nli"));
        Assert.Equal(5, world.Log.Lines.Count);
        (string Directory, string Reason)[] expected =
        [
            ("nli/2", "has graphs but no distill.json"), ("student", "is a checkpoint"), ("notes", "has files but no distill.json"),
            ("two words", "cannot name"), ("nothing", "is empty"),
        ];
        Assert.All(expected, e => Assert.Single(
            world.Log.Lines,
            l => l.StartsWith(world.Path(e.Directory) + " is not served", StringComparison.Ordinal)
                && l.Contains(e.Reason, StringComparison.Ordinal)));

        world.Put("student/config.json");
        world.Scan();
        Assert.Equal(5, world.Log.Lines.Count);
        world.Scan();
        Assert.Equal(6, world.Log.Lines.Count);

        // A copy that is complete is served, and no longer named.
        world.Drop("nli/2", "two");
        world.Scan();
        world.Scan();
        Assert.Equal("two", world.Salt("nli"));
        Assert.Equal(6, world.Log.Lines.Count);
    }

    [Fact]
    public async Task Scan_VersionCopiedAgainInPlace_ClosesTheOldOneOnceAndTheServerStops()
    {
        await using var world = await World.StartAsync(w => w.Drop("nli/1", "first"));
        var old = world.Model("nli");

        world.Drop("nli/1", "second");
        world.Scan();
        world.Scan();

        Assert.Equal(("1", "second"), (world.Model("nli").Version, world.Salt("nli")));
        await world.ClosedAsync("first");
        Assert.Same(old.RetireAsync(TimeSpan.Zero), old.RetireAsync(TestServer.Patience));
        await world.StopAsync();
        await world.ClosedAsync("second");
    }

    [Fact]
    public async Task Retire_LeaseOut_ClosesOnlyWhenItIsBack()
    {
        await using var world = await World.StartAsync(w => w.Drop("nli", "first"));
        var lease = world.Catalog.Lease("nli", "");

        world.Drop("nli", "second");
        world.Scan();
        world.Scan();
        Assert.Equal("second", world.Salt("nli"));
        Assert.False(world.Loaded["first"].Disposed);
        lease.Dispose();

        await world.ClosedAsync("first");
    }

    /// <summary>A server over a folder of bundles that are text files: what the manifest says is the predictor's salt.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly TemporaryDirectory _folder = new();
        private ServerHost _host = null!;
        private ModelFolder _watched = null!;

        public Dictionary<string, FakePredictor> Loaded { get; } = [];

        public List<string> Tried { get; } = [];

        public LineLogger Log { get; } = new();

        public ModelCatalog Catalog => _host.Services.GetRequiredService<ModelCatalog>();

        public static async Task<World> StartAsync(Action<World> prepare, int keep = 1)
        {
            var world = new World();
            using var named = new TemporaryDirectory();
            prepare(world);
            var options = new ServerOptions
            {
                ModelFolder = world._folder.Path,
                PollSeconds = 0,
                KeepVersions = keep,
                Urls = ["http://127.0.0.1:0"],
            };

            // The first look goes through the server; later ones are the test's.
            world._host = await ServerHost.StartAsync(
                options with { ModelFolder = named.Path },
                new FakeLoader(world.Load),
                CancellationToken.None).WaitAsync(TestServer.Patience);
            world._watched = new ModelFolder(
                world._folder.Path, keep, world._host.Services.GetRequiredService<ModelLifecycle>(), world.Catalog, world.Log);
            world._watched.Scan(settle: false, CancellationToken.None);
            return world;
        }

        public string Path(string name) => _folder[name];

        public void Drop(string name, string content)
        {
            Directory.CreateDirectory(Path(name));
            File.WriteAllText(System.IO.Path.Combine(Path(name), "distill.json"), content);
        }

        public void Put(string file)
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path(file))!);
            File.WriteAllText(Path(file), "content");
        }

        public void Scan() => _watched.Scan(settle: true, CancellationToken.None);

        public ModelVersion Model(string name) => Catalog.Find(name, "");

        public string Salt(string name) => ((FakePredictor)Model(name).Predictor).Salt;

        public async Task ClosedAsync(string content)
        {
            using var patience = new CancellationTokenSource(TestServer.Patience);
            while (!Loaded[content].Disposed) await Task.Delay(1, patience.Token);
        }

        public Task StopAsync() => _host.StopAsync().WaitAsync(TestServer.Patience);

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            await _host.DisposeAsync();
            _folder.Dispose();
        }

        private LoadedModel Load(string directory)
        {
            var content = File.ReadAllText(System.IO.Path.Combine(directory, "distill.json"));
            Tried.Add(content);
            if (content.StartsWith("bad", StringComparison.Ordinal)) throw new InputException($"{directory}: golden rows differ");
            return new LoadedModel(Loaded[content] = new FakePredictor { Salt = content }, content);
        }
    }
}
