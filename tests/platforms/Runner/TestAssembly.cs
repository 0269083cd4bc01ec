using System.Reflection;
using Xunit.Abstractions;
using Xunit.Sdk;

namespace NativeGreenlet.Runner;

/// <summary>The tests of an assembly that the options ask for.</summary>
internal sealed class TestAssembly : IDisposable
{
    private readonly XunitTestFramework _framework = new(new NullMessageSink());
    private readonly Assembly _assembly;
    private readonly FrameworkOptions _options = new();
    private readonly List<ITestCase> _cases = [];

    public TestAssembly(Assembly assembly, Options options)
    {
        _assembly = assembly;
        _options.SetValue<int?>("xunit.execution.MaxParallelThreads", options.Threads);
        ITestFrameworkDiscoverer discoverer = _framework.GetDiscoverer(Reflector.Wrap(assembly));
        using Sink<IDiscoveryCompleteMessage> sink = new(message =>
        {
            if (message is ITestCaseDiscoveryMessage { TestCase: { } test } && options.Wants($"{ClassOf(test)}.{test.TestMethod.Method.Name}"))
            {
                _cases.Add(test);
            }
        });
        discoverer.Find(includeSourceInformation: false, sink, _options);
        sink.Wait();
    }

    /// <summary>The full path of the assembly.</summary>
    public string Location => _assembly.Location;

    /// <summary>The full names of the classes with tests.</summary>
    public IEnumerable<string> Classes => _cases.Select(ClassOf).Distinct().Order(StringComparer.Ordinal);

    public void Dispose() => _framework.Dispose();

    /// <summary>Runs them in this process.</summary>
    public void Run(Tally tally)
    {
        using ITestFrameworkExecutor executor = _framework.GetExecutor(_assembly.GetName());
        using Sink<ITestAssemblyFinished> sink = new(Hear);
        executor.RunTests(_cases, sink, _options);
        sink.Wait();

        void Hear(IMessageSinkMessage message)
        {
            switch (message)
            {
                case ITestPassed:
                    tally.Pass();
                    break;
                case ITestSkipped:
                    tally.Skip();
                    break;
                case ITestFailed failed:
                    tally.Fail($"{failed.Test.DisplayName}\n{Describe(failed)}\n{failed.Output}");
                    break;
                case IErrorMessage error: // outside tests
                    tally.Fail($"{_assembly.GetName().Name}: {Describe(error)}");
                    break;
                case IFailureInformation failure: // in what tests clean up
                    tally.Fail($"{message.GetType().Name}: {Describe(failure)}");
                    break;
            }
        }
    }

    private static string ClassOf(ITestCase test) => test.TestMethod.TestClass.Class.Name;

    private static string Describe(IFailureInformation failure) =>
        string.Join('\n', failure.ExceptionTypes.Select((type, i) => $"{type}: {failure.Messages[i]}\n{failure.StackTraces[i]}"));
}
