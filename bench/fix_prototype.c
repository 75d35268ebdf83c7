/* The least a C extension does to read and write four FIX messages: the floor of `thft bench fix`.

   `parse(type, bytes)` checks BodyLength and CheckSum and returns the wanted fields as a tuple,
   groups as tuples of tuples; `build(type, header, tail, seq, time, values)` writes them. The
   fields are fixed below; nothing else is checked, anything odd raises ValueError. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef struct {
    int tag;
    char kind;     /* t text, c one letter, p at 1e-9, s at 1e-8 */
    char name[8];  /* "38=", made when the module is loaded */
    int name_size;
} wanted;

typedef struct {
    char type;
    int count_tag; /* 0: no group */
    wanted fields[12], members[6];
    signed char slot[512], member[512];
    int field_count, member_count;
} shape;

static shape shapes[] = {
    {'D', 0, {{11, 't'}, {38, 's'}, {40, 'c'}, {44, 'p'}, {54, 'c'}, {55, 't'}}},
    {'8', 0, {{6, 'p'}, {11, 't'}, {14, 's'}, {17, 't'}, {32, 's'}, {37, 't'}, {38, 's'},
              {39, 'c'}, {54, 'c'}, {55, 't'}, {150, 'c'}, {151, 's'}}},
    {'W', 268, {{55, 't'}, {262, 't'}}, {{269, 'c'}, {270, 'p'}, {271, 's'}}},
    {'X', 268, {{262, 't'}},
     {{279, 'c'}, {269, 'c'}, {278, 't'}, {55, 't'}, {270, 'p'}, {271, 's'}}},
};

static const int64_t ten[] = {1,      10,      100,      1000,      10000,
                              100000, 1000000, 10000000, 100000000, 1000000000};

static shape *shape_of(char type) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (shapes[i].type == type) return shapes + i;
    PyErr_SetString(PyExc_ValueError, "type");
    return NULL;
}

static PyObject *value_of(char kind, const char *at, const char *end) {
    if (kind == 'c') return PyUnicode_FromOrdinal(*at);
    if (kind == 't') return PyUnicode_DecodeASCII(at, end - at, NULL);
    int digits = kind == 'p' ? 9 : 8, behind = 0, seen = 0;
    int64_t sum = 0;
    for (; at < end; at++) {
        if (*at == '.') {
            seen = 1;
            continue;
        }
        if (*at < '0' || *at > '9' || sum > INT64_MAX / 10 - 9 || (behind += seen) > digits)
            return PyErr_Format(PyExc_ValueError, "number");
        sum = sum * 10 + (*at - '0');
    }
    if (__builtin_mul_overflow(sum, ten[digits - behind], &sum))
        return PyErr_Format(PyExc_ValueError, "number");
    return PyLong_FromLongLong(sum);
}

static PyObject *parse(PyObject *self, PyObject *args) {
    int type;
    const char *base, *at, *end;
    Py_ssize_t size, length = 0;
    if (!PyArg_ParseTuple(args, "Cy#", &type, &base, &size)) return NULL;
    shape *form = shape_of((char)type);
    if (!form) return NULL;
    if (size < 24 || memcmp(base, "8=FIX.4.4\0019=", 12)) return PyErr_Format(PyExc_ValueError, "8");
    for (at = base + 12; *at != 1; at++) length = length * 10 + (*at - '0');
    if (at + 1 + length + 7 != base + size) return PyErr_Format(PyExc_ValueError, "length");
    end = base + size - 7;
    unsigned char sum = 0;
    for (const char *p = base; p < end; p++) sum = (unsigned char)(sum + (unsigned char)*p);
    if (atoi(end + 3) != sum) return PyErr_Format(PyExc_ValueError, "checksum");
    PyObject *values = PyTuple_New(form->field_count + (form->count_tag != 0)), *entries = NULL;
    PyObject *entry = NULL;
    Py_ssize_t found = 0;
    for (at++; values && at < end;) {
        int tag = 0;
        while (*at != '=') tag = tag * 10 + (*at++ - '0');
        const char *from = ++at;
        at = memchr(at, 1, end - at);
        if (tag == form->count_tag && tag) {
            entries = PyTuple_New(atoi(from));
            PyTuple_SET_ITEM(values, form->field_count, entries);
        } else if (entries && tag == form->members[0].tag) {
            entry = PyTuple_New(form->member_count);
            if (found == PyTuple_GET_SIZE(entries)) return PyErr_Format(PyExc_ValueError, "count");
            PyTuple_SET_ITEM(entries, found++, entry);
        }
        int slot = tag > 511 ? -1 : entry ? form->member[tag] : form->slot[tag];
        if (slot >= 0) {
            PyObject *value = value_of((entry ? form->members : form->fields)[slot].kind, from, at);
            if (!value) return NULL;
            PyTuple_SET_ITEM(entry ? entry : values, slot, value);
        }
        at++;
    }
    return values;
}

static char *put_number(char *out, PyObject *value, int digits) {
    char text[24];
    int64_t left = PyLong_AsLongLong(value), whole = left / ten[digits], part = left % ten[digits];
    int at = 24, used;
    do text[--at] = (char)('0' + whole % 10);
    while (whole /= 10);
    memcpy(out, text + at, 24 - at);
    out += 24 - at;
    if (!part) return out;
    *out = '.';
    for (used = digits; used; used--, part /= 10) out[used] = (char)('0' + part % 10);
    for (out += digits; *out == '0';) out--;
    return out + 1;
}

static char *put_fields(char *out, wanted *fields, int count, PyObject *values) {
    for (int i = 0; i < count; i++) {
        PyObject *value = PyTuple_GET_ITEM(values, i);
        memcpy(out, fields[i].name, 8);
        out += fields[i].name_size;
        if (fields[i].kind == 't' || fields[i].kind == 'c') {
            Py_ssize_t size;
            const char *text = PyUnicode_AsUTF8AndSize(value, &size);
            memcpy(out, text, size);
            out += size;
        } else {
            out = put_number(out, value, fields[i].kind == 'p' ? 9 : 8);
        }
        *out++ = 1;
    }
    return out;
}

static PyObject *build(PyObject *self, PyObject *args) {
    static char room[1 << 16];
    char *at = room + 32, *body = at, head[32];
    const char *fixed, *time;
    Py_ssize_t fixed_size, time_size, begin;
    int type, seq;
    PyObject *values;
    if (!PyArg_ParseTuple(args, "Cy#iy#O!", &type, &fixed, &fixed_size, &seq, &time, &time_size,
                          &PyTuple_Type, &values))
        return NULL;
    shape *form = shape_of((char)type);
    if (!form) return NULL;
    at += sprintf(at, "35=%c\00134=%d\001", type, seq);
    memcpy(at, fixed, fixed_size);
    at += fixed_size;
    memcpy(at, time, time_size);
    at = put_fields(at + time_size, form->fields, form->field_count, values);
    if (form->count_tag) {
        PyObject *entries = PyTuple_GET_ITEM(values, form->field_count);
        at += sprintf(at, "%d=%zd\001", form->count_tag, PyTuple_GET_SIZE(entries));
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(entries); i++)
            at = put_fields(at, form->members, form->member_count, PyTuple_GET_ITEM(entries, i));
    }
    begin = sprintf(head, "8=FIX.4.4\0019=%zd\001", at - body);
    memcpy(body - begin, head, begin);
    unsigned char sum = 0;
    for (char *p = body - begin; p < at; p++) sum = (unsigned char)(sum + (unsigned char)*p);
    at += sprintf(at, "10=%03d\001", sum);
    return PyBytes_FromStringAndSize(body - begin, at - body + begin);
}

static PyMethodDef methods[] = {{"parse", parse, METH_VARARGS, NULL},
                                {"build", build, METH_VARARGS, NULL},
                                {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "fix_prototype", NULL, -1, methods};

static void named(wanted *field, signed char *slots, int slot) {
    field->name_size = sprintf(field->name, "%d=", field->tag);
    slots[field->tag] = (signed char)slot;
}

PyMODINIT_FUNC PyInit_fix_prototype(void) {
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        shape *form = shapes + i;
        memset(form->slot, -1, sizeof form->slot);
        memset(form->member, -1, sizeof form->member);
        for (int k = 0; k < 12 && form->fields[k].tag; k++)
            named(form->fields + k, form->slot, form->field_count++);
        for (int k = 0; k < 6 && form->members[k].tag; k++)
            named(form->members + k, form->member, form->member_count++);
    }
    return PyModule_Create(&module);
}
