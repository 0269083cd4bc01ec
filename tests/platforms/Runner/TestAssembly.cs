using System.Globalization;
using System.Reflection;
using System.Text;
using Xunit.Sdk;
using Xunit.v3;

namespace NativeGreenlet.Runner;

/// <summary>The tests of an assembly that the options ask for, one after the other. Without xunit's own engine: that hashes a name for each
/// test, for which .NET needs OpenSSL, and not every platform has one here.</summary>
internal sealed class TestAssembly(Assembly assembly, Options options)
{
    private readonly (Type Class, MethodInfo Method, IFactAttribute Fact)[] _tests =
    [
        .. from type in assembly.GetTypes()
           where type.IsClass && (!type.IsAbstract || type.IsSealed)
           from method in type.GetMethods()
           where options.Wants($"{type.FullName}.{method.Name}")
           from fact in method.GetCustomAttributes().OfType<IFactAttribute>()
           select (type, method, fact),
    ];

    /// <summary>The full path of the assembly.</summary>
    public string Location => assembly.Location;

    /// <summary>The full names of the classes with tests.</summary>
    public IEnumerable<string> Classes => _tests.Select(test => test.Class.FullName!).Distinct().Order(StringComparer.Ordinal);

    /// <summary>Runs them in this process.</summary>
    public async Task RunAsync(Tally tally)
    {
        foreach ((Type type, MethodInfo method, IFactAttribute fact) in _tests)
        {
            string name = $"{type.FullName}.{method.Name}";
            if (fact.Explicit || fact.Timeout != 0 || (fact.SkipUnless ?? fact.SkipWhen) is not null)
            {
                tally.Fail($"{name}: this runner does not know what it asks for");
            }
            else if (fact.Skip is not null)
            {
                tally.Skip();
            }
            else if (fact is not ITheoryAttribute)
            {
                await RunAsync(type, method, [], name, tally);
            }
            else
            {
                await RunTheoryAsync(type, method, name, tally);
            }
        }
    }

    private async Task RunTheoryAsync(Type type, MethodInfo method, string name, Tally tally)
    {
        await using DisposalTracker tracker = new();
        try
        {
            int rows = 0;
            foreach (IDataAttribute data in method.GetCustomAttributes().OfType<IDataAttribute>())
            {
                foreach (object row in data is MemberDataAttributeBase member ? RowsOf(member, type) : await data.GetData(method, tracker))
                {
                    rows++;
                    if (((row as Xunit.ITheoryDataRow)?.Skip ?? data.Skip) is not null)
                    {
                        tally.Skip();
                        continue;
                    }

                    object?[] arguments = row as object?[] ?? ((Xunit.ITheoryDataRow)row).GetData();
                    string full = $"{name}({string.Join(", ", arguments)})";
                    if (options.Wants(full))
                    {
                        await RunAsync(type, method, arguments, full, tally);
                    }
                }
            }

            if (rows == 0)
            {
                tally.Fail($"{name}: it has no data");
            }
        }
        catch (Exception exception)
        {
            tally.Fail($"{name}: its data\n{exception}");
        }
    }

    // Outside of its engine xunit says that such data has no rows.
    private static IEnumerable<object> RowsOf(MemberDataAttributeBase data, Type type)
    {
        const BindingFlags Any = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.FlattenHierarchy;
        Type owner = data.MemberType ?? type;
        object? rows = owner.GetProperty(data.MemberName, Any) is { } property ? property.GetValue(null)
            : owner.GetField(data.MemberName, Any) is { } field ? field.GetValue(null)
            : owner.GetMethod(data.MemberName, Any)?.Invoke(null, data.Arguments);
        return (rows as System.Collections.IEnumerable ?? throw new NotSupportedException($"This runner cannot take data from {owner}.{data.MemberName}.")).Cast<object>();
    }

    // On a thread of the pool, as xunit does it: the first thread of a program is another kind.
    private async Task RunAsync(Type type, MethodInfo method, object?[] arguments, string name, Tally tally)
    {
        if (options.NamesTests)
        {
            Console.WriteLine($"{Options.TestMark}{name}");
        }

        Output output = new();
        try
        {
            await Task.Run(() => RunAsync(type, method, arguments, output));
            tally.Pass();
        }
        catch (Exception exception)
        {
            tally.Fail($"{name}\n{(exception as TargetInvocationException)?.InnerException ?? exception}\n{output}");
        }
    }

    private static async Task RunAsync(Type type, MethodInfo method, object?[] arguments, Output output)
    {
        object? instance = null;
        if (!method.IsStatic)
        {
            ConstructorInfo constructor = type.GetConstructors().Single();
            instance = constructor.Invoke(Array.ConvertAll(constructor.GetParameters(), parameter =>
                parameter.ParameterType == typeof(Xunit.ITestOutputHelper) ? output : throw new NotSupportedException($"{type} asks for a {parameter.ParameterType}.")));
        }

        try
        {
            object?[] defaults = [.. method.GetParameters().Skip(arguments.Length).Select(parameter => parameter.DefaultValue)];
            switch (method.Invoke(instance, [.. arguments, .. defaults]))
            {
                case Task task:
                    await task;
                    break;
                case ValueTask task:
                    await task;
                    break;
            }
        }
        finally
        {
            if (instance is IAsyncDisposable asynchronous)
            {
                await asynchronous.DisposeAsync();
            }

            (instance as IDisposable)?.Dispose();
        }
    }

    private sealed class Output : Xunit.ITestOutputHelper
    {
        private readonly StringBuilder _text = new();

        string Xunit.ITestOutputHelper.Output => ToString();

        public void Write(string message) => _text.Append(message);

        public void Write(string format, params object[] args) => _text.AppendFormat(CultureInfo.InvariantCulture, format, args);

        public void WriteLine(string message) => _text.AppendLine(message);

        public void WriteLine(string format, params object[] args) => _text.AppendFormat(CultureInfo.InvariantCulture, format, args).AppendLine();

        public override string ToString() => _text.ToString();
    }
}
