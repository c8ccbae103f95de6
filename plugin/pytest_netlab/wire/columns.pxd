# The struct that `Columns` compiles to. The pointers come first and in the order of
# COLUMNS: memory.pxd fills them in by position.

from pytest_netlab.wire cimport memory

cdef int _TRUNCATED
cdef int _MALFORMED


cdef class Columns:
    cdef unsigned short *point
    cdef long long *ts
    cdef unsigned int *caplen
    cdef unsigned int *wirelen
    cdef unsigned char *direction
    cdef unsigned short *status
    cdef unsigned long long *eth_src
    cdef unsigned long long *eth_dst
    cdef unsigned short *ethertype
    cdef short *vlan
    cdef unsigned short *arp_op
    cdef unsigned char *ip_version
    cdef unsigned char *src
    cdef unsigned char *dst
    cdef unsigned char *proto
    cdef unsigned char *ttl
    cdef unsigned char *tos
    cdef unsigned int *ip_id
    cdef unsigned char *ip_flags
    cdef unsigned short *frag_offset
    cdef unsigned short *sport
    cdef unsigned short *dport
    cdef unsigned int *tcp_seq
    cdef unsigned int *tcp_ack
    cdef unsigned short *tcp_flags
    cdef unsigned short *tcp_window
    cdef unsigned short *tcp_urgent
    cdef unsigned char *icmp_type
    cdef unsigned char *icmp_code
    cdef unsigned short *icmp_id
    cdef unsigned short *icmp_seq
    cdef unsigned int *icmp_rest
    cdef unsigned int *payload_len
    cdef unsigned long long *payload_hash
    cdef unsigned char *ip_checksum
    cdef unsigned char *l4_checksum
    cdef unsigned short *ip_offset
    cdef unsigned short *l4_offset
    cdef unsigned short *payload_offset
    cdef unsigned char *quoted_proto
    cdef unsigned char *quoted_src
    cdef unsigned char *quoted_dst
    cdef unsigned char *quoted_ttl
    cdef unsigned int *quoted_ip_id
    cdef unsigned short *quoted_sport
    cdef unsigned short *quoted_dport
    cdef unsigned short *quoted_icmp_id
    cdef unsigned long long *options_hash
    cdef unsigned short *encapsulation
    cdef unsigned short *outer_offset
    cdef unsigned int *ifindex
    cdef long long *offset
    cdef public object block
    cdef public Py_ssize_t rows
    cdef public Py_ssize_t start
    cdef public Py_ssize_t limit
    cdef public Py_ssize_t end
    cdef public bint hashes
    cdef public bint checksums
    cdef public bint decapsulate
    cdef public int removed

    cpdef object note(self, Py_ssize_t row, int point, long long ts, int direction,
                      int status)
    cpdef object locate(self, Py_ssize_t row, long long offset)
    cdef void mark_truncated(self, Py_ssize_t row) noexcept nogil
    cdef void malformed(self, Py_ssize_t row) noexcept nogil
