using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing.Etlx;
using Microsoft.Diagnostics.Tracing.Parsers;
using NativeGreenlet.Tools.Tests.Infrastructure;

namespace NativeGreenlet.Tools.Tests;

/// <summary>An EventPipe session with the runtime's sampling profiler, what dotnet-trace makes, while the stress program
/// runs. The profiler stops the runtime a thousand times a second and walks every stack.</summary>
public class EventPipeTests(ITestOutputHelper output)
{
    private const int Seconds = 8; // of stress
    private const int SampledSeconds = 3;
    private const int LeastSamples = 20; // walking hundreds of suspended stacks takes its time

    // All but those that load and unload assemblies: with the sampling profiler the runtime ends then, on plain threads, too
    // (docs/reliability.md).
    private const string Activities = "hold,catch,filters,cctor,invoke,sort,native,activator,dynamic,iterators,generated,async,tailcalls,wait,cxx,throw,spawn";

    private const int InManagedCode = 2; // what a sample says of its thread
    private const int MostMethods = 100; // the profiler cuts longer stacks off

    [Fact]
    public void Samples_are_taken_inside_greenlets_and_the_stress_goes_on()
    {
        string path = Path.Combine(Path.GetTempPath(), $"nativegreenlet-{Guid.NewGuid():N}.nettrace");
        try
        {
            using Subject stress = Subject.Start("NativeGreenlet.Stress.dll", $"--carriers 2 --main-thread --greenlets 20 --seconds {Seconds} --scenario {Activities}", "seed:");
            Record(stress.Id, path);
            string end = stress.Finish();
            Assert.True(end.Split('\n')[^1].StartsWith("ok", StringComparison.Ordinal), end);
            Verify(path);
        }
        finally
        {
            File.Delete(path);
            File.Delete(path + ".etlx"); // what TraceLog makes of it
        }
    }

    private static void Record(int process, string path)
    {
        EventPipeProvider[] providers =
        [
            new("Microsoft-DotNETCore-SampleProfiler", EventLevel.Informational),
            new("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, (long)ClrTraceEventParser.Keywords.Default),
            new("NativeGreenlet", EventLevel.Informational),
        ];
        using EventPipeSession session = new DiagnosticsClient(process).StartEventPipeSession(providers);
        using FileStream file = File.Create(path);
        Task copy = session.EventStream.CopyToAsync(file);
        Thread.Sleep(TimeSpan.FromSeconds(SampledSeconds));
        session.Stop();
        copy.GetAwaiter().GetResult();
    }

    private void Verify(string path)
    {
        using TraceLog log = new(TraceLog.CreateFromEventPipeDataFile(path));
        int all = 0;
        int inside = 0;
        int broken = 0;
        int deepest = 0;
        string example = "";
        foreach (Microsoft.Diagnostics.Tracing.TraceEvent sample in log.Events.Where(each => each.ProviderName == "Microsoft-DotNETCore-SampleProfiler"))
        {
            all++;
            if (BitConverter.ToInt32(sample.EventData()) != InManagedCode)
            {
                continue; // waits in native code, as every thread record does, whose stack is those of suspended greenlets
            }

            List<string> methods = [];
            for (TraceCallStack? frame = sample.CallStack(); frame is not null; frame = frame.Caller)
            {
                methods.Add(frame.CodeAddress.FullMethodName);
            }

            int body = methods.FindIndex(method => method.StartsWith("NativeGreenlet.Stress.Crowd.Live", StringComparison.Ordinal));
            if (body < 0)
            {
                continue;
            }

            inside++;
            if (body > deepest)
            {
                deepest = body;
                example = string.Join('\n', methods);
            }

            if (!methods[^1].Contains("Stacks.Enter(", StringComparison.Ordinal) && methods.Count < MostMethods)
            {
                broken++;
                example = string.Join('\n', methods);
            }
        }

        string figures = $"{all} samples, {inside} inside greenlets, up to {deepest} methods above the body, {broken} with another end\n{example}";
        output.WriteLine(figures);
        Assert.True(inside >= LeastSamples && deepest >= 3 && broken == 0, figures);
    }
}
