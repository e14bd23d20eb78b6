using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Server;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Stages.Options;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
var json = false;
try
{
    if (VerbCommand.AsksForHelp(args))
    {
        Console.Write(ServerCommand.Create().Help(width: 120));
        return 0;
    }

    // How lines are written is one of the options, so warnings about these wait for them.
    var warnings = new List<string>();
    var options = ServerCommand.Bind(args, OptionEnvironment.OfProcess(), warnings.Add);
    json = options.LogJson;
    foreach (var warning in warnings) StartupLine.Write(json, LogLevel.Warning, warning);
    return await PredictionServer.RunAsync(options, stop.Token);
}
catch (InputException e)
{
    StartupLine.Write(json, LogLevel.Critical, e.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
