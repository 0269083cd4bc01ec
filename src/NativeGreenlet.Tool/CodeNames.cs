using System.Diagnostics.Tracing;
using System.Globalization;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;
using Microsoft.Diagnostics.Tracing.Parsers;
using Microsoft.Diagnostics.Tracing.Parsers.Clr;

namespace NativeGreenlet.LiveView;

/// <summary>Puts the names of methods in place of addresses of code, where a process could tell no more: the runtime says which methods
/// there are, and where.</summary>
internal static class CodeNames
{
    private const string Sign = "0x"; // of a line that is an address

    /// <summary>The snapshot with names. Addresses of native code are left out.</summary>
    public static Snapshot AddTo(int process, Snapshot snapshot)
    {
        if (!snapshot.Tasks.Any(HasAddresses))
        {
            return snapshot;
        }

        List<(ulong Start, ulong End, string Name)> methods = MethodsOf(process);
        methods.Sort((one, other) => one.Start.CompareTo(other.Start));
        Dictionary<string, string?> names = [];
        IReadOnlyList<TaskView> tasks = [.. snapshot.Tasks.Select(task => !HasAddresses(task) ? task : task with { Stack = [.. task.Stack.Select(NameOf).OfType<string>()] })];
        return Snapshot.Of(snapshot.Source, snapshot.Hubs, tasks);

        string? NameOf(string line)
        {
            if (!names.TryGetValue(line, out string? name))
            {
                name = ulong.TryParse(line.AsSpan(Sign.Length), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong address) ? Find(methods, address) : line;
                names[line] = name;
            }

            return name;
        }
    }

    private static bool HasAddresses(TaskView task) => task.Stack is [{ } first, ..] && first.StartsWith(Sign, StringComparison.Ordinal);

    // A return address is behind its call, and so may be the end of the method.
    private static string? Find(List<(ulong Start, ulong End, string Name)> methods, ulong address)
    {
        int low = 0;
        int high = methods.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = methods[middle].Start < address ? (middle + 1, high) : (low, middle);
        }

        return low > 0 && address <= methods[low - 1].End ? methods[low - 1].Name : null;
    }

    private static List<(ulong Start, ulong End, string Name)> MethodsOf(int process)
    {
        List<(ulong Start, ulong End, string Name)> methods = [];
        try
        {
            using EventPipeSession session = new DiagnosticsClient(process).StartEventPipeSession(
                [new EventPipeProvider("Microsoft-Windows-DotNETRuntime", EventLevel.Informational, (long)ClrTraceEventParser.Keywords.Loader)],
                requestRundown: true);
            using EventPipeEventSource source = new(session.EventStream);
            ClrRundownTraceEventParser rundown = new(source);
            rundown.MethodDCStopVerbose += Add;
            Task stop = Task.Run(session.Stop);
            source.Process();
            stop.GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is IOException or TimeoutException or DiagnosticsClientException)
        {
            // It has ended: what is known has to do.
        }

        return methods;

        void Add(MethodLoadUnloadVerboseTraceData method)
        {
            // A stub of the runtime has no type.
            string type = method.MethodNamespace;
            methods.Add((method.MethodStartAddress, method.MethodStartAddress + (ulong)method.MethodSize, type.Length == 0 ? method.MethodName : $"{type}.{method.MethodName}"));
        }
    }
}
