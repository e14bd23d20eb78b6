using System.Runtime.InteropServices;
using DistillOnnx.Core;
using DistillOnnx.Server;
using DistillOnnx.Server.Configuration;
using DistillOnnx.Stages.Options;

using var stop = new CancellationTokenSource();
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
var environment = OptionEnvironment.OfProcess();
if (JsonLines.AreAskedFor(args, environment, ServerCommand.Verb)) JsonLines.Install();
try
{
    if (VerbCommand.AsksForHelp(args))
    {
        Console.Write(ServerCommand.Create().Help(width: 120));
        return 0;
    }

    var options = ServerCommand.Bind(args, environment, Console.Error.WriteLine);
    return await PredictionServer.RunAsync(options, stop.Token);
}
catch (InputException e)
{
    StartupLine.Write(LogLevel.Critical, e.Message);
    return 2;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
#pragma warning disable CA1031 // A fault of the program itself is reported too, in the form that was asked for.
catch (Exception e)
#pragma warning restore CA1031
{
    StartupLine.Write(LogLevel.Critical, e.ToString());
    return 1;
}

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true;
    stop.Cancel();
}
