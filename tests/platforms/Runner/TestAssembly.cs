using System.Collections.Concurrent;
using System.Reflection;
using Xunit.Runner.Common;
using Xunit.Sdk;
using Xunit.v3;

namespace NativeGreenlet.Runner;

/// <summary>The tests of an assembly that the options ask for.</summary>
internal sealed class TestAssembly : IAsyncDisposable
{
    private readonly XunitTestFramework _framework = new();
    private readonly Assembly _assembly;
    private readonly TestFrameworkOptions _options = TestFrameworkOptions.Empty();
    private readonly List<ITestCase> _cases = [];
    private readonly ConcurrentDictionary<string, string> _names = []; // of running tests, by their ids

    private TestAssembly(Assembly assembly, Options options)
    {
        _assembly = assembly;
        _options.SetMaxParallelThreads(options.Threads);
    }

    /// <summary>The full path of the assembly.</summary>
    public string Location => _assembly.Location;

    /// <summary>The full names of the classes with tests.</summary>
    public IEnumerable<string> Classes => _cases.Select(ClassOf).Distinct().Order(StringComparer.Ordinal);

    public ValueTask DisposeAsync() => _framework.DisposeAsync();

    /// <summary>Finds the tests of an assembly.</summary>
    public static async Task<TestAssembly> FindAsync(Assembly assembly, Options options)
    {
        TestAssembly tests = new(assembly, options);
        await tests._framework.GetDiscoverer(assembly).Find(
            test =>
            {
                if (options.Wants($"{ClassOf(test)}.{test.TestMethodName}"))
                {
                    tests._cases.Add(test);
                }

                return ValueTask.FromResult(true);
            },
            tests._options);
        return tests;
    }

    /// <summary>Runs them in this process.</summary>
    public async Task RunAsync(Tally tally)
    {
        await _framework.GetExecutor(_assembly).RunTestCases(_cases, new Sink(Hear), _options);

        void Hear(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestStarting starting:
                    _names[starting.TestUniqueID] = starting.TestDisplayName;
                    break;
                case ITestPassed:
                    tally.Pass();
                    break;
                case ITestSkipped:
                    tally.Skip();
                    break;
                case ITestFailed failed:
                    tally.Fail($"{_names.GetValueOrDefault(failed.TestUniqueID)}\n{Describe(failed)}\n{failed.Output}");
                    break;
                case IErrorMetadata error: // outside tests, and in what tests clean up
                    tally.Fail($"{_assembly.GetName().Name}: {message.GetType().Name}: {Describe(error)}");
                    break;
            }
        }
    }

    private static string ClassOf(ITestCase test) => test.TestClassName ?? "";

    private static string Describe(IErrorMetadata error) =>
        string.Join('\n', error.ExceptionTypes.Select((type, i) => $"{type}: {error.Messages[i]}\n{error.StackTraces[i]}"));
}
