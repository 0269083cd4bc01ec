using System.Reflection;
using System.Runtime.InteropServices;
using NativeGreenlet.Interop;

namespace NativeGreenlet.Tests.Interop;

/// <summary>The header, the generated bindings and the built library must agree. When one of these fails: run
/// <c>./build.sh bindings</c>, or build the library again.</summary>
public class BindingsTests
{
    private static readonly NativeHeader s_header = NativeHeader.Read();

    private static readonly MethodInfo[] s_imports =
    [
        .. typeof(NativeMethods).GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.DeclaredOnly)
            .Where(method => method.GetCustomAttribute<DllImportAttribute>() is not null),
    ];

    [Fact]
    public void The_header_was_read_in_full()
    {
        Assert.Equal(s_header.Mentions, s_header.Functions.Count);
        Assert.True(s_header.Functions.Count > 30, $"{s_header.Functions.Count} functions");
        Assert.Contains(s_header.Functions, function => function.Name == "ng_switch" && function.Parameters.Count == 3);
        Assert.Contains(s_header.Structs, each => each.Name == "ng_clr_layout" && each.Fields[0].Name == "size" && each.Fields[^1].Name == "risky_stackalloc");
        Assert.Contains(s_header.Enums, each => each.Name == "ng_status" && each.Values[0].Name == "NG_OK" && each.Values[^1].Name == "NG_ERROR_PINNED");
        Assert.Contains(s_header.Constants, each => each.Name == "NG_ABI_VERSION");
        Assert.All(s_header.Structs, each => Assert.NotEmpty(each.Fields));
    }

    [Fact]
    public void Every_function_of_the_header_is_declared_and_nothing_else() =>
        Assert.Equal(s_header.Functions.Select(function => function.Name).Order(), s_imports.Select(method => method.Name).Order());

    [Fact]
    public void Every_declared_function_is_exported_by_the_library() =>
        Assert.All(s_imports, method =>
        {
            DllImportAttribute import = method.GetCustomAttribute<DllImportAttribute>()!;
            Assert.Equal("nativegreenlet", import.Value);
            Assert.Equal(CallingConvention.Cdecl, import.CallingConvention);
            Assert.True(NativeLibrary.TryGetExport(NativeEngine.Handle, import.EntryPoint ?? method.Name, out nint address), method.Name);
            Assert.NotEqual(0, address);
        });

    [Fact]
    public void Every_function_has_the_parameters_and_the_result_of_the_header() =>
        Assert.All(s_header.Functions, function =>
        {
            MethodInfo method = s_imports.Single(each => each.Name == function.Name);
            ParameterInfo[] parameters = method.GetParameters();

            Assert.True(Agree(function.Result, method.ReturnType), $"{function.Name} returns {function.Result}, bound as {method.ReturnType}");
            Assert.Equal(function.Parameters.Select(parameter => parameter.Name), parameters.Select(parameter => parameter.Name));
            Assert.All(function.Parameters.Zip(parameters), pair => Assert.True(
                Agree(pair.First.Type, pair.Second.ParameterType),
                $"{function.Name}: {pair.First.Name} is {pair.First.Type}, bound as {pair.Second.ParameterType}"));
        });

    [Fact]
    public unsafe void Every_structure_has_the_size_and_the_fields_of_the_library() =>
        Assert.All(s_header.Structs, each =>
        {
            Type type = BoundType(each.Name);
            FieldInfo[] fields = type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance);

            Assert.Equal(LayoutOf(each.Name), Marshal.SizeOf(type));
            Assert.Equal(each.Fields.Select(field => field.Name), fields.Select(field => field.Name));
            Assert.All(each.Fields.Zip(fields), pair =>
            {
                Assert.True(Agree(pair.First.Type, pair.Second.FieldType), $"{each.Name}.{pair.First.Name} is {pair.First.Type}, bound as {pair.Second.FieldType}");
                string name = $"{each.Name}.{pair.First.Name}";
                Assert.Equal((name, LayoutOf(name)), (name, (long)Marshal.OffsetOf(type, pair.Second.Name)));
            });
        });

    [Fact]
    public void Every_structure_without_a_body_is_bound_without_one() =>
        Assert.All(s_header.OpaqueStructs, name =>
        {
            Type type = BoundType(name);
            Assert.True(type.IsValueType);
            Assert.Empty(type.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance));
        });

    [Fact]
    public void Every_enumeration_has_the_values_of_the_header() =>
        Assert.All(s_header.Enums, each =>
        {
            Type type = BoundType(each.Name);

            Assert.True(type.IsEnum);
            Assert.Equal(typeof(int), Enum.GetUnderlyingType(type));
            Assert.Equal(sizeof(int), LayoutOf(each.Name));
            Assert.Equal(each.Values.Count, Enum.GetNames(type).Length);
            string prefix = CommonPrefix([.. each.Values.Select(value => value.Name)]);
            Assert.All(each.Values, value =>
            {
                string name = value.Name[prefix.Length..];
                Assert.True(Enum.IsDefined(type, (int)value.Value), $"{each.Name} has no {value.Value}");
                Assert.Equal((value.Name, Enum.Parse(type, name)), (value.Name, Enum.ToObject(type, (int)value.Value)));
            });
        });

    [Fact]
    public void Every_number_that_the_header_defines_is_a_constant() =>
        Assert.Equal(
            s_header.Constants.Select(constant => (constant.Name, constant.Value)).Order(),
            typeof(NativeMethods).GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static)
                .Where(field => field.IsLiteral)
                .Select(field => (field.Name, Convert.ToInt64(field.GetRawConstantValue(), null)))
                .Order());

    [Fact]
    public void The_library_has_the_version_of_the_header()
    {
        _ = NativeEngine.Handle;

        Assert.Equal(s_header.Constants.Single(constant => constant.Name == "NG_ABI_VERSION").Value, NativeMethods.ng_abi_version());
    }

    [Fact]
    public unsafe void The_library_knows_no_other_layouts()
    {
        Assert.Equal(-1, LayoutOf("ng_nonsense"));
        Assert.Equal(-1, LayoutOf("ng_context.nonsense"));
        Assert.Equal(-1, LayoutOf(string.Empty));
        Assert.Equal(-1, NativeMethods.ng_layout_of(null));
    }

    [Fact]
    public void Every_status_has_a_message_of_its_own()
    {
        string[] messages = [.. Enum.GetValues<ng_status>().Select(NativeEngine.Message)];

        Assert.All(messages, Assert.NotEmpty);
        Assert.Equal(messages.Length, messages.Distinct().Count());
        Assert.NotEmpty(NativeEngine.Message((ng_status)9999));
    }

    private static unsafe long LayoutOf(string name)
    {
        _ = NativeEngine.Handle;
        nint text = Marshal.StringToCoTaskMemUTF8(name);
        try
        {
            return NativeMethods.ng_layout_of((sbyte*)text);
        }
        finally
        {
            Marshal.FreeCoTaskMem(text);
        }
    }

    private static Type BoundType(string name) =>
        typeof(NativeMethods).Assembly.GetType($"NativeGreenlet.Interop.{name}", throwOnError: true)!;

    private static string CommonPrefix(string[] names)
    {
        int length = 0;
        while (Array.TrueForAll(names, name => length < name.Length && name[length] == names[0][length]))
        {
            length++;
        }

        return names[0][..(names[0].LastIndexOf('_', length - 1) + 1)];
    }

    // Whether a C type, as the header writes it, and a bound one are the same to the machine.
    private static bool Agree(string native, Type bound)
    {
        string type = native.Replace("const ", string.Empty, StringComparison.Ordinal);
        if (type.EndsWith('*'))
        {
            string target = type[..^1];
            return bound.IsPointer && (target switch
            {
                "void" => bound.GetElementType() == typeof(void),
                "char" => bound.GetElementType() == typeof(sbyte),
                _ => Agree(target, bound.GetElementType()!),
            });
        }

        return type switch
        {
            "void" => bound == typeof(void),
            "size_t" => bound == typeof(nuint),
            "uint32_t" => bound == typeof(uint),
            "uint64_t" => bound == typeof(ulong),
            "int64_t" => bound == typeof(long),
            _ => s_header.FunctionPointers.Contains(type) ? bound.IsFunctionPointer : bound.Name == type,
        };
    }
}
