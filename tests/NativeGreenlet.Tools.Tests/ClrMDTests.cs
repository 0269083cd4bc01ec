using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Runtime;
using NativeGreenlet.Tools.Tests.Infrastructure;
using NativeGreenlet.Tools.Tests.Subjects;

namespace NativeGreenlet.Tools.Tests;

/// <summary>
/// ClrMD, what dotnet-dump, dotnet-stack and many others are made of, on a live process and on core dumps. A suspended
/// greenlet's frames are found where the collector finds them: below the thread record that they hang on, so a record's
/// stack is the stacks of all the greenlets of its carrier, one after the other.
/// </summary>
public class ClrMDTests
{
    private const string Bottom = "Stacks.Enter"; // the first method of every greenlet

    static ClrMDTests() => DataAccessLibrary.KeepLoaded();

    [Fact]
    public void Suspended_greenlets_are_seen_in_a_live_process()
    {
        using Subject subject = Subject.Start(ParkedSubject.Run);
        subject.WaitUntilIdle();
        // Not stopped: it waits anyway, and .NET's own waiting for its children would race with ptrace's.
        using (DataTarget target = DataTarget.AttachToProcess(subject.Id, suspend: false))
        {
            VerifyFrames(target);
            VerifyRoots(target);
        }

        _ = subject.Finish();
    }

    [Fact]
    public void Suspended_greenlets_are_seen_in_a_core_dump_with_heap()
    {
        using Subject subject = Subject.Start(ParkedSubject.Run);
        subject.WaitUntilIdle();
        WithDump(subject, DumpType.WithHeap, target =>
        {
            VerifyFrames(target);
            VerifyRoots(target);
        });
        _ = subject.Finish();
    }

    // The runtime puts the stacks into a dump without the heap, but not what all the methods on them are called.
    [Fact]
    public void Suspended_greenlets_are_seen_in_a_small_core_dump()
    {
        using Subject subject = Subject.Start(ParkedSubject.Run);
        subject.WaitUntilIdle();
        WithDump(subject, DumpType.Normal, target =>
        {
            using ClrRuntime runtime = target.ClrVersions.Single().CreateRuntime();
            List<Stack> stacks = [.. runtime.Threads.Select(thread => new Stack(thread)).Where(stack => stack.Count(Bottom) > 0)];
            int[] bottoms = [.. stacks.Select(stack => stack.Count(Bottom)).Order()];
            Assert.True(bottoms.SequenceEqual([1, 1, 1, ParkedSubject.CleanCount]), string.Join("\n\n", stacks));
        });
        _ = subject.Finish();
    }

    private static void WithDump(Subject subject, DumpType type, Action<DataTarget> verify)
    {
        string path = Path.Combine(Path.GetTempPath(), $"nativegreenlet-{Guid.NewGuid():N}.dmp");
        try
        {
            new DiagnosticsClient(subject.Id).WriteDump(type, path);
            // Stacks are reserved by the gigabyte; what was never touched must not be in it.
            Assert.InRange(new FileInfo(path).Length, 1, 1L << 30);
            using DataTarget target = DataTarget.LoadDump(path);
            verify(target);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void VerifyFrames(DataTarget target)
    {
        using ClrRuntime runtime = target.ClrVersions.Single().CreateRuntime();
        List<Stack> stacks = [.. runtime.Threads.Select(thread => new Stack(thread))];
        string all = string.Join("\n\n", stacks);

        // The carrier runs one greenlet: its frames, and no others.
        Stack carrier = Single(stacks, nameof(ParkedSubject) + ".HoldWhileRunning", all);
        Assert.True(carrier.Count(Bottom) == 1 && carrier.EndsWith(Bottom) && carrier.Count($"{nameof(ParkedSubject)}.Run") == 0, all);

        // Its record has those that are suspended outside of exceptions, and main; each stack is complete.
        Stack record = Single(stacks, nameof(ParkedSubject) + ".HoldInMain", all);
        Assert.True(record.Count($"{nameof(ParkedSubject)}.HoldClean") == ParkedSubject.CleanCount, all);
        Assert.True(record.Count($"{nameof(ParkedSubject)}.Suspend") == ParkedSubject.CleanCount, all);
        Assert.True(record.Count(Bottom) == ParkedSubject.CleanCount && record.Count($"{nameof(ParkedSubject)}.Run") == 1, all);

        // Those inside of exceptions have a record each.
        foreach (string method in new[] { "HoldInCatch", "HoldInFilter" })
        {
            Stack own = Single(stacks, $"{nameof(ParkedSubject)}.{method}", all);
            Assert.True(own.Count($"{nameof(ParkedSubject)}.Suspend") == 1 && own.Count(Bottom) == 1 && own.EndsWith(Bottom), all);
        }
    }

    private static Stack Single(List<Stack> stacks, string method, string all)
    {
        List<Stack> having = [.. stacks.Where(stack => stack.Count(method) > 0)];
        Assert.True(having.Count == 1, $"{having.Count} threads have {method} on their stacks.\n{all}");
        return having[0];
    }

    // What nothing but a greenlet's stack refers to is a root there, in the method that holds it. Not asked for the stack
    // inside a filter: .NET 10's own data access library crashes on any thread, one without greenlets as well, that is
    // inside a filter.
    private static void VerifyRoots(DataTarget target)
    {
        using ClrRuntime runtime = target.ClrVersions.Single().CreateRuntime();
        Dictionary<string, HashSet<string>> found = [];
        IEnumerable<ClrThread> threads = runtime.Threads.Where(thread => new Stack(thread).Count($"{nameof(ParkedSubject)}.HoldInFilter") == 0);
        foreach (ClrStackRoot root in threads.SelectMany(thread => thread.EnumerateStackRoots()))
        {
            if (root.Object.Type?.Name == typeof(Treasure).FullName)
            {
                string place = root.Object.ReadStringField("<Place>k__BackingField")!;
                if (!found.TryGetValue(place, out HashSet<string>? methods))
                {
                    found[place] = methods = [];
                }

                _ = methods.Add(root.StackFrame?.Method?.Name ?? "");
            }
        }

        string all = string.Join('\n', found.Select(each => $"{each.Key}: {string.Join(", ", each.Value)}"));
        foreach ((string place, string method) in ParkedSubject.Places.Where(each => each.Place != "filter"))
        {
            Assert.True(found.TryGetValue(place, out HashSet<string>? methods) && methods.Contains(method), $"'{place}' is not a root in {method}.\n{all}");
        }

        Assert.Equal(ParkedSubject.Places.Count - 1, found.Count);
    }

    /// <summary>The managed methods on a thread's stack, innermost first, as Type.Method.</summary>
    private sealed class Stack(ClrThread thread)
    {
        private const int MostFrames = 1000; // a walk that runs in circles ends

        private readonly uint _thread = thread.OSThreadId;

        private readonly List<string> _methods =
        [
            .. thread.EnumerateStackTrace(includeContext: false, MostFrames)
                .Where(frame => frame.Method is not null)
                .Select(frame => $"{frame.Method!.Type.Name?.Split('.')[^1]}.{frame.Method.Name}"),
        ];

        public bool EndsWith(string method) => _methods.Count > 0 && _methods[^1].EndsWith(method, StringComparison.Ordinal);

        public int Count(string method) => _methods.Count(each => each.EndsWith(method, StringComparison.Ordinal));

        public override string ToString() => $"thread {_thread}:\n  {string.Join("\n  ", _methods)}";
    }
}
